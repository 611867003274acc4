import { type FileHandle, open, stat } from "node:fs/promises";
import type { ServedRequest } from "../port.ts";

const lookMs = 1000;
const pieceBytes = 256 * 1024;
/** More than this in one look is passed over: the reader must not fall behind for ever. */
const mostBytes = 16 * 1024 * 1024;

/** Reads the workers' log as it grows, from its present end on, also across its rotation. */
export async function followAccessLog(
  path: string,
  onRequest: (request: ServedRequest) => void,
  signal: AbortSignal,
): Promise<void> {
  let reader: LogReader | undefined = await LogReader.open(path, "end");
  while (!signal.aborted) {
    await waitFor(lookMs, signal);
    try {
      await reader?.read(onRequest);
      if (reader && (await reader.isCurrent())) continue;
      await reader?.read(onRequest);
      await reader?.close();
      reader = await LogReader.open(path, "beginning");
    } catch {
      // The folder may be on its way out; the next look tells.
    }
  }
  await reader?.close();
}

class LogReader {
  readonly #path: string;
  readonly #file: FileHandle;
  #offset: number;
  #rest = "";

  private constructor(path: string, file: FileHandle, offset: number) {
    this.#path = path;
    this.#file = file;
    this.#offset = offset;
  }

  static async open(path: string, at: "beginning" | "end"): Promise<LogReader | undefined> {
    const file = await open(path, "r").catch(() => undefined);
    return file && new LogReader(path, file, at === "end" ? (await file.stat()).size : 0);
  }

  async isCurrent(): Promise<boolean> {
    const [mine, there] = await Promise.all([this.#file.stat(), stat(this.#path).catch(() => undefined)]);
    return there === undefined || there.ino === mine.ino;
  }

  async read(onRequest: (request: ServedRequest) => void): Promise<void> {
    const { size } = await this.#file.stat();
    if (size - this.#offset > mostBytes) {
      this.#offset = size - mostBytes;
      this.#rest = "";
    }
    const piece = Buffer.alloc(Math.min(pieceBytes, Math.max(0, size - this.#offset)));
    while (this.#offset < size) {
      const { bytesRead } = await this.#file.read(piece, 0, piece.length, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      const lines = (this.#rest + piece.toString("latin1", 0, bytesRead)).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) {
        const request = parseAccessLine(line);
        if (request) onRequest(request);
      }
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** A line of `access-log.ts`; `undefined` for one that was cut. Bytes come as Latin-1, so that none is cut in two. */
export function parseAccessLine(line: string): ServedRequest | undefined {
  try {
    const entry = JSON.parse(Buffer.from(line, "latin1").toString("utf8")) as Record<string, unknown>;
    const text = (key: string) => (typeof entry[key] === "string" ? entry[key] : "");
    return {
      ...{ at: Number(entry["at"]), method: text("method"), host: text("host"), path: text("path") },
      ...{ status: Number(entry["status"]), ms: Number(entry["ms"]), backend: text("backend") },
      ...{ target: text("target"), requestId: text("request") },
    };
  } catch {
    return undefined;
  }
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    timer.unref();
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
}
