/** One line as the page shows it. */
export type Line = {
  n: number;
  at: number | undefined;
  scope: string;
  service: string;
  replica: string;
  stream: string;
  level: string | undefined;
  requestId: string | undefined;
  text: string;
};

export type LineFilter = { service: string; stream: string; level: string; text: string };

const most = 20_000;
const cutAtOnce = 2_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours begin with an escape character
const terminalCodes = /\u001b\[[0-9;?]*[A-Za-z]/g;

/**
 * The lines that are held, and those of them that the filter lets through. A line is looked at once; the page is told
 * once per picture, however many lines came.
 */
export class LogBook {
  #lines: Line[] = [];
  #shown: Line[] = [];
  #filter: LineFilter = { service: "", stream: "", level: "", text: "" };
  #wanted = "";
  #next = 1;
  #drawing = 0;
  #version = 0;
  readonly #listeners = new Set<() => void>();

  add(line: Omit<Line, "n">): void {
    const kept = { ...line, text: line.text.replace(terminalCodes, ""), n: this.#next++ };
    this.#lines.push(kept);
    if (this.#fits(kept)) this.#shown.push(kept);
    if (this.#lines.length > most) {
      this.#lines = this.#lines.slice(cutAtOnce);
      const first = this.#lines[0]?.n ?? 0;
      const at = this.#shown.findIndex(({ n }) => n >= first);
      this.#shown = at === -1 ? [] : this.#shown.slice(at);
    }
    this.#draw();
  }

  filter(filter: LineFilter): void {
    this.#filter = filter;
    this.#wanted = filter.text.toLowerCase();
    this.#shown = this.#lines.filter((line) => this.#fits(line));
    this.#draw();
  }

  clear(): void {
    this.#lines = [];
    this.#shown = [];
    this.#draw();
  }

  get shown(): readonly Line[] {
    return this.#shown;
  }

  get held(): number {
    return this.#lines.length;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly version = (): number => this.#version;

  #fits({ service, stream, level, text }: Line): boolean {
    const { service: wantedService, stream: wantedStream, level: wantedLevel } = this.#filter;
    if (wantedService !== "" && wantedService !== service) return false;
    if (wantedStream !== "" && wantedStream !== stream) return false;
    if (wantedLevel !== "" && !asBad(level, wantedLevel)) return false;
    return this.#wanted === "" || text.toLowerCase().includes(this.#wanted);
  }

  #draw(): void {
    if (this.#drawing !== 0) return;
    this.#drawing = requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#version += 1;
      for (const listener of this.#listeners) listener();
    });
  }
}

const gravity = ["fatal", "error", "warn", "info", "debug", "trace"];

/** This bad or worse; a line without a level is neither. */
function asBad(level: string | undefined, wanted: string): boolean {
  return level !== undefined && gravity.indexOf(level) <= gravity.indexOf(wanted);
}
