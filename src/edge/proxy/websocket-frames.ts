/**
 * Follows the frame boundaries of one direction of a WebSocket (RFC 6455 5.2), so that a close frame can be put in
 * between two frames and never into one. Payloads are not looked at.
 */
export class FrameTracker {
  #skip = 0;
  #header: number[] = [];

  /** True when the bytes so far end exactly between two frames. */
  get atBoundary(): boolean {
    return this.#skip === 0 && this.#header.length === 0;
  }

  take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      this.#header.push(chunk[at] ?? 0);
      at += 1;
      const payload = payloadLength(this.#header);
      if (payload === undefined) continue;
      this.#skip = payload;
      this.#header = [];
    }
  }
}

/** A server's close frame with a code and no text. */
export function closeFrame(code: number): Buffer {
  return Buffer.from([0x88, 2, code >> 8, code & 255]);
}

/** Payload bytes that follow a complete header, else `undefined`. */
function payloadLength(header: readonly number[]): number | undefined {
  const second = header[1];
  if (second === undefined) return undefined;
  const short = second & 127;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const size = 2 + extended + (second & 128 ? 4 : 0);
  if (header.length < size) return undefined;
  if (extended === 0) return short;
  return header.slice(2, 2 + extended).reduce((sum, byte) => sum * 256 + byte, 0);
}
