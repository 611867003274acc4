import { describe, expect, it } from "vitest";
import { readTar } from "./read-tar.ts";
import { run } from "./run.ts";
import { tarEnd, tarHeader, tarPadding } from "./write-tar.ts";

function archive(files: Record<string, string>): Buffer {
  const pieces = Object.entries(files).flatMap(([path, text]) => {
    const body = Buffer.from(text);
    const size = body.length;
    return [tarHeader({ path, size, modifiedAt: 1_700_000_000_000 }), body, tarPadding(size)];
  });
  return Buffer.concat([...pieces, tarEnd()]);
}

describe("writing tar", () => {
  const files = { "README.txt": "hello", "shop.dump/000000": "x".repeat(512), empty: "", "~1.dump/0": "ä" };

  it("is read back by our own reader", async () => {
    const found: Record<string, string> = {};
    async function* whole() {
      yield archive(files);
    }
    for await (const entry of readTar(whole(), (why) => new Error(why))) {
      const pieces: Uint8Array[] = [];
      for await (const piece of entry.content) pieces.push(piece);
      found[entry.path] = Buffer.concat(pieces).toString();
    }
    expect(found).toEqual(files);
  });

  it("is listed by tar itself", async () => {
    const { stdout, exitCode } = await run(["tar", "-tf", "-"], {
      input: archive(files).toString("utf8"),
      timeoutMs: 10_000,
    });
    expect([exitCode, stdout.trim().split("\n")]).toEqual([0, Object.keys(files)]);
  });

  it("refuses a path that does not fit", () => {
    expect(() => tarHeader({ path: "a".repeat(101), size: 0, modifiedAt: 0 })).toThrow(RangeError);
  });
});
