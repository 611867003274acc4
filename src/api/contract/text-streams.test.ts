import { describe, expect, it } from "vitest";
import { linesOf, serverSentEventsOf } from "./text-streams.ts";

/** The text as a body that arrives in pieces of `size` bytes: boundaries fall inside lines and characters. */
function bodyOf(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
}

async function all(items: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe("text streams", () => {
  it.each([1, 2, 3, 7, 1000])("gives the same lines whatever the pieces are (%i bytes)", async (size) => {
    expect(await all(linesOf(bodyOf("eins\nzwölf\r\n\n☃ last", size)))).toEqual([
      "eins",
      "zwölf",
      "",
      "☃ last",
    ]);
  });

  it.each([1, 5, 1000])(
    "gives the data of server-sent events and skips heartbeats (%i bytes)",
    async (size) => {
      const text =
        ': hello\n\nid: 1\nevent: entry\ndata: {"a":\ndata: 1}\n\n: still here\n\ndata:2\n\ndata: cut off';
      expect(await all(serverSentEventsOf(bodyOf(text, size)))).toEqual(['{"a":\n1}', "2"]);
    },
  );

  it("ends a stream whose line has no end instead of keeping it in memory", async () => {
    await expect(all(linesOf(bodyOf("x".repeat(5_000_000), 100_000)))).rejects.toThrow("too long");
  });
});
