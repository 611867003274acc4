import { closeSync, openSync, write } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Asked } from "./exchange.ts";

const flushMs = 500;
const flushBytes = 65_536;
/** When the disk is slower than the traffic, lines beyond this are dropped and counted. */
const maxPending = 4 * 1024 * 1024;

/** JSON lines, gathered and written behind the requests' back. Several workers append to one file. */
export class AccessLog {
  readonly #path: string;
  #descriptor: number;
  #pending = "";
  #writing = false;
  #dropped = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openSync(path, "a", 0o600);
    this.#timer = setInterval(() => this.#flush(), flushMs);
    this.#timer.unref();
  }

  record(asked: Asked, status: number, { target, backend }: { target: string; backend: string }): void {
    if (this.#pending.length > maxPending) {
      this.#dropped += 1;
      return;
    }
    const ms = performance.now() - asked.startedAt;
    this.#pending +=
      `{"at":${Date.now()},"client":"${asked.client}","method":"${asked.method}","host":${JSON.stringify(asked.scan.host)},` +
      `"path":${JSON.stringify(pathOnly(asked.request.url ?? ""))},"status":${status},"ms":${ms.toFixed(2)},` +
      `"backend":"${backend}","target":"${target}","request":"${asked.requestId}"}\n`;
    if (this.#pending.length > flushBytes) this.#flush();
  }

  /** After the file was renamed: writes go to a new one. */
  reopen(): void {
    const old = this.#descriptor;
    this.#descriptor = openSync(this.#path, "a", 0o600);
    if (!this.#writing) closeSync(old);
    else setTimeout(() => closeSync(old), 5_000).unref();
  }

  /** Lines that were not written because the disk was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (let turns = 0; turns < 50 && (this.#pending !== "" || this.#writing); turns += 1) {
      this.#flush();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    closeSync(this.#descriptor);
  }

  #flush(): void {
    if (this.#writing || this.#pending === "") return;
    const bytes = Buffer.from(this.#pending);
    this.#pending = "";
    this.#writing = true;
    write(this.#descriptor, bytes, 0, bytes.length, null, (error) => {
      this.#writing = false;
      if (error) this.#dropped += 1;
    });
  }
}

/** Queries may carry tokens; they stay out of the log. */
function pathOnly(url: string): string {
  const mark = url.indexOf("?");
  return mark < 0 ? url : url.slice(0, mark);
}
