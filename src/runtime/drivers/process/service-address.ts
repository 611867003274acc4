import { sha256 } from "../../../lib/hash.ts";

/**
 * A loopback address of its own for each service: 127.64.0.0/10 is local on every Linux machine without set-up and
 * holds 4 million of them. The same key gets the same address as long as no other key has it already.
 */
export function chooseAddress(key: string, taken: ReadonlySet<string>): string {
  const slots = 2 ** 22;
  const first = Number.parseInt(sha256(key).slice(0, 10), 16) % slots;
  for (let step = 0; step < slots; step += 1) {
    const slot = (first + step) % slots;
    const last = slot & 255;
    const address = `127.${64 + (slot >> 16)}.${(slot >> 8) & 255}.${last}`;
    if (last !== 0 && last !== 255 && !taken.has(address)) return address;
  }
  throw new Error("all loopback addresses are taken");
}
