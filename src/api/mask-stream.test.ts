import { describe, expect, it } from "vitest";
import { ManualClock } from "../lib/manual-clock.ts";
import { MaskStream } from "./mask-stream.ts";

function start() {
  const clock = new ManualClock();
  const sent: Buffer[] = [];
  const stream = new MaskStream(
    clock,
    (text) => text.replaceAll("hunter2", "***"),
    (chunk) => void sent.push(Buffer.from(chunk)),
  );
  const push = (text: string) => stream.push(Buffer.from(text));
  return { clock, sent, stream, push, text: () => Buffer.concat(sent).toString() };
}

describe("output of a program in a replica", () => {
  it("has no secret in it, also one that comes in two chunks (R-105)", () => {
    const { push, text } = start();
    push("DB_PASSWORD=hun");
    push("ter2\nPATH=/bin\n");
    expect(text()).toBe("DB_PASSWORD=***\nPATH=/bin\n");
  });

  it("shows a prompt without a line break soon, and the rest at the end", async () => {
    const { push, text, clock, stream } = start();
    push("name? ");
    expect(text()).toBe("");
    clock.advance(30);
    await Promise.resolve();
    await Promise.resolve();
    expect(text()).toBe("name? ");
    push("hunter2");
    stream.end();
    expect(text()).toBe("name? ***");
  });

  it("leaves bytes that are no text as they are", () => {
    const { sent, stream } = start();
    const bytes = Buffer.from([0xff, 0x00, 0x0a, 0xc3, 0x28, 0x0a]);
    stream.push(bytes);
    expect(Buffer.concat(sent)).toEqual(bytes);
  });

  it("does not hold a line without end", () => {
    const { push, sent } = start();
    push("x".repeat(70_000));
    expect(Buffer.concat(sent)).toHaveLength(70_000);
  });
});
