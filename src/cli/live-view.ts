import type { JournalEntryView } from "../api/contract/models.ts";
import type { CliContext } from "./context.ts";
import { applyEntry, lineOf, liveLines, noProgress, type Progress } from "./render/progress.ts";
import { errStyle } from "./terminal.ts";

const redrawMs = 250;

/**
 * A deployment's progress on stderr. In a terminal, lines of finished steps stay and the running ones are redrawn
 * below them; elsewhere each finished step is one line. `close` leaves only what stays.
 */
export class LiveView {
  readonly #context: CliContext;
  readonly #verbose: boolean;
  readonly #live: boolean;
  #progress: Progress = noProgress;
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: CliContext, verbose: boolean) {
    this.#context = context;
    this.#verbose = verbose;
    this.#live = context.stderr.isTTY === true && context.env["TERM"] !== "dumb";
    if (this.#live) this.#timer = setInterval(() => this.#redraw([]), redrawMs).unref();
  }

  show(entry: JournalEntryView): void {
    if (entry.seq <= this.#progress.lastSeq) return;
    this.#progress = applyEntry(this.#progress, entry);
    const line = lineOf(entry, errStyle(this.#context), this.#verbose);
    this.#redraw(line === undefined ? [] : [line]);
  }

  /** A remark between the steps, e.g. that the connection was lost. */
  note(text: string): void {
    this.#redraw([errStyle(this.#context).dim(text)]);
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#live) this.#context.stderr.write(this.#clear());
    this.#drawn = 0;
  }

  #redraw(staying: readonly string[]): void {
    const kept = staying.map((line) => `${line}\n`).join("");
    if (!this.#live) {
      if (kept !== "") this.#context.stderr.write(kept);
      return;
    }
    const width = this.#context.stderr.columns ?? 80;
    const lines = liveLines(this.#progress, this.#context.now(), width, errStyle(this.#context));
    const clear = this.#clear();
    this.#drawn = lines.length;
    this.#context.stderr.write(`${clear}${kept}${lines.map((line) => `${line}\n`).join("")}`);
  }

  /** Cursor to the first redrawn line, then erase to the end of the screen (ECMA-48 CPL and ED). */
  #clear(): string {
    return this.#drawn === 0 ? "" : `\x1b[${this.#drawn}F\x1b[J`;
  }
}
