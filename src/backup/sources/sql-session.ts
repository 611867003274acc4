import { randomUUID } from "node:crypto";
import { backupError } from "../errors.ts";
import { type DatabasePlace, toolFailed } from "./database-place.ts";

export type SessionTool = {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** A line that makes the tool print just this text. */
  printing: (text: string) => string;
};

/**
 * One open session with a database through its own command line: whoever holds a snapshot must keep its transaction
 * open while others read from it. Every answer is one JSON value a line.
 */
export class SqlSession {
  readonly #place: DatabasePlace;
  readonly #tool: SessionTool;
  readonly #input = new Lines();
  readonly #output: AsyncIterator<string>;
  readonly #run: ReturnType<DatabasePlace["start"]>;
  readonly #stop = new AbortController();

  private constructor(place: DatabasePlace, tool: SessionTool, signal: AbortSignal) {
    this.#place = place;
    this.#tool = tool;
    const whole = AbortSignal.any([signal, this.#stop.signal]);
    this.#run = place.start(tool.argv, { env: tool.env, stdin: this.#input }, whole);
    this.#run.exitCode.catch(() => undefined);
    this.#output = linesOf(this.#run.stdout);
  }

  /** `first` sets the session up. */
  static async open(
    place: DatabasePlace,
    tool: SessionTool,
    first: string,
    signal: AbortSignal,
  ): Promise<SqlSession> {
    const session = new SqlSession(place, tool, signal);
    try {
      await session.rows(first);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Statements without their last semicolon; the rows of all of them. */
  async rows(sql: string): Promise<unknown[]> {
    const mark = `done-${randomUUID()}`;
    this.#input.push(`${sql};\n${this.#tool.printing(mark)}\n`);
    const rows: unknown[] = [];
    for (;;) {
      const { value, done } = await this.#output.next();
      if (done) throw await this.#ended();
      if (value === mark) return rows;
      if (value !== "") rows.push(JSON.parse(value));
    }
  }

  async close(): Promise<void> {
    this.#input.end();
    await this.#output.return?.();
    this.#stop.abort(new Error("the session was closed"));
    await this.#run.exitCode.catch(() => undefined);
  }

  async #ended(): Promise<Error> {
    const exitCode = await this.#run.exitCode;
    return toolFailed(this.#place, this.#tool.argv, this.#run.complaint(), exitCode);
  }
}

/** What is written to a tool bit by bit. */
class Lines implements AsyncIterable<Uint8Array> {
  readonly #waiting: string[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(text: string): void {
    this.#waiting.push(text);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const text = this.#waiting.shift();
      if (text !== undefined) yield Buffer.from(text);
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

/** A row may be long, but not without a limit. */
const maxLineLength = 16 * 1024 * 1024;

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLineLength) throw backupError("BACKUP_SOURCE_FAILED", "a row is too long");
    yield* lines;
  }
  if (rest !== "") yield rest;
}
