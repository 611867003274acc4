import { describe, expect, it } from "vitest";
import { Handover } from "./handover.ts";

const chunk = (text: string) => Buffer.from(text);

describe("handing over one chunk at a time", () => {
  it("holds the pusher back until the next chunk is asked for", async () => {
    const handover = new Handover(() => undefined);
    const events: string[] = [];
    const pushing = (async () => {
      for (const text of ["a", "b"]) await handover.push(chunk(text)).then(() => events.push(`took ${text}`));
      handover.end();
    })();
    for await (const piece of handover) events.push(`read ${Buffer.from(piece)}`);
    await pushing;
    expect(events).toEqual(["read a", "took a", "read b", "took b"]);
  });

  it("lets the pusher go and tells its owner when the reader stops half-way", async () => {
    let abandoned = 0;
    const handover = new Handover(() => {
      abandoned += 1;
    });
    const pushed = handover.push(chunk("a"));
    for await (const _piece of handover) break;
    await pushed;
    await handover.push(chunk("never read"));
    expect(abandoned).toBe(1);
  });

  it("fails the reader and lets the pusher go", async () => {
    const handover = new Handover(() => undefined);
    const pushed = handover.push(chunk("a"));
    handover.fail(new Error("broken off"));
    await pushed;
    await expect(handover[Symbol.asyncIterator]().next()).rejects.toThrow("broken off");
  });
});
