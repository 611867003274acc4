import { expect } from "vitest";
import { hasCode } from "../lib/platform-error.ts";
import { type Check, type Stage, signal } from "./conformance-support.ts";
import type { VolumeFiles } from "./port.ts";

/** One file as a tar archive: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html (ustar). */
export function tarOf(name: string, content: string): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000640\0", 100);
  header.write("0001751\0", 108);
  header.write("0001752\0", 116);
  header.write(`${body.byteLength.toString(8).padStart(11, "0")}\0`, 124);
  header.write("14000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((512 - (body.byteLength % 512)) % 512);
  return Buffer.concat([header, body, padding, Buffer.alloc(1024)]);
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of content) found.push(chunk);
  return Buffer.concat(found);
}

function filesOf(stage: Stage): VolumeFiles {
  const files = stage.runtime.volumeFiles;
  if (!files) throw new Error("this driver keeps no volumes");
  return files;
}

/** See `runtimeConformance`. */
export function volumeChecks(check: Check): void {
  check("a volume is filled once, read back, and removed (R-139)", async (stage) => {
    const files = filesOf(stage);
    const volume = { name: `${stage.scope.stack}_copy` };
    expect(await files.exists(stage.scope, volume, signal)).toBe(false);
    await files.fill(stage.scope, volume, once(tarOf("./deep.txt", "what was written")), signal);
    expect(await files.exists(stage.scope, volume, signal)).toBe(true);
    const read = await whole(files.archive(stage.scope, { volume }, { exclude: [] }, signal));
    expect(read.includes("deep.txt")).toBe(true);
    expect(read.includes("what was written")).toBe(true);
    await expect(
      files.fill(stage.scope, volume, once(tarOf("./other.txt", "over it")), signal),
    ).rejects.toSatisfy((error) => hasCode(error, "RUNTIME_RESOURCE_FAILED"));
    await files.remove(stage.scope, volume, signal);
    await files.remove(stage.scope, volume, signal);
    expect(await files.exists(stage.scope, volume, signal)).toBe(false);
    await expect(whole(files.archive(stage.scope, { volume }, { exclude: [] }, signal))).rejects.toSatisfy(
      (error) => hasCode(error, "RUNTIME_RESOURCE_FAILED"),
    );
  });
  check("a volume that was filled goes with its scope", async (stage) => {
    const files = filesOf(stage);
    const volume = { name: `${stage.scope.stack}_copy` };
    await files.fill(stage.scope, volume, once(tarOf("./a", "a")), signal);
    await stage.runtime.removeResources(stage.scope, { volumes: true }, signal);
    expect(await files.exists(stage.scope, volume, signal)).toBe(false);
  });
}
