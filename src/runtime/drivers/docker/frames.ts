/**
 * Engine streams without a terminal carry stdout and stderr in one connection: frames of 8 header bytes (stream
 * number, three zeros, big-endian length) and a payload. Source: Engine API reference, "Stream format" of
 * ContainerAttach.
 */
export type StreamName = "stdout" | "stderr";

/** Splits a byte stream into frames; bytes may arrive cut anywhere. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);
  readonly #onFrame: (stream: StreamName, payload: Buffer) => void;

  constructor(onFrame: (stream: StreamName, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 8) {
      const length = this.#pending.readUInt32BE(4);
      if (this.#pending.length < 8 + length) return;
      const payload = this.#pending.subarray(8, 8 + length);
      this.#onFrame(this.#pending[0] === 2 ? "stderr" : "stdout", payload);
      this.#pending = this.#pending.subarray(8 + length);
    }
  }
}

/** What comes of a line behind this many characters is left out: a program need not ever end its line. */
const longestLine = 1024 * 1024;

/** Cuts bytes into lines per stream, without the line end; `flush` gives what is left at the end of the stream. */
export class LineReader {
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  readonly #pending = { stdout: "", stderr: "" };
  readonly #onLine: (stream: StreamName, line: string) => void;

  constructor(onLine: (stream: StreamName, line: string) => void) {
    this.#onLine = onLine;
  }

  push(stream: StreamName, payload: Uint8Array): void {
    const text = this.#pending[stream] + this.#decoders[stream].decode(payload, { stream: true });
    const lines = text.split("\n");
    this.#pending[stream] = (lines.pop() ?? "").slice(0, longestLine);
    for (const line of lines) this.#onLine(stream, line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  /** The last bytes of this stream did not end their line. */
  isWithin(stream: StreamName): boolean {
    return this.#pending[stream] !== "";
  }

  flush(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.#pending[stream] !== "") this.#onLine(stream, this.#pending[stream]);
      this.#pending[stream] = "";
    }
  }
}
