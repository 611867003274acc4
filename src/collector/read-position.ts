type StreamName = "stdout" | "stderr";
type Mark = { at: number; count: number };

/** Lines that a stream printed in one moment may come a little after another stream's later ones. */
const overlapMs = 5000;

/**
 * How far one replica's streams were read: for each, the time of the last line and how many lines of that time. The
 * runtime gives a stream in the same order with the same times again, so that reading goes on with the very next line.
 */
export class ReadPosition {
  readonly #marks: Partial<Record<StreamName, Mark>>;
  /** What a resumed stream still leaves out. */
  readonly #known: Partial<Record<StreamName, Mark>>;

  constructor(text: string | undefined) {
    this.#marks = parse(text);
    this.#known = parse(text);
  }

  /** Where to begin; `undefined`: with the first line that there is. */
  get since(): number | undefined {
    const times = Object.values(this.#marks).map(({ at }) => at);
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - overlapMs);
  }

  /** Notes a line; false when it was read before. */
  take(stream: StreamName, at: number): boolean {
    const known = this.#known[stream];
    if (known) {
      if (at < known.at) return false;
      if (at === known.at && known.count > 0) {
        known.count -= 1;
        return false;
      }
      delete this.#known[stream];
    }
    const mark = this.#marks[stream];
    if (mark?.at === at) mark.count += 1;
    // A clock that was set back: the time stays, so that nothing is read twice.
    else if (!mark || at > mark.at) this.#marks[stream] = { at, count: 1 };
    return true;
  }

  get text(): string {
    const { stdout, stderr } = this.#marks;
    return [stdout, stderr].map((mark) => (mark ? `${mark.at}+${mark.count}` : "")).join(",");
  }
}

function parse(text: string | undefined): Partial<Record<StreamName, Mark>> {
  const [stdout, stderr] = (text ?? "").split(",").map((part) => {
    const found = /^(\d+)\+(\d+)$/.exec(part);
    return found ? { at: Number(found[1]), count: Number(found[2]) } : undefined;
  });
  return { ...(stdout ? { stdout } : {}), ...(stderr ? { stderr } : {}) };
}
