import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Channel } from "./channel.ts";
import { compareVersions } from "./client.ts";
import { FrameReader, LineReader } from "./frames.ts";
import { mergeByTime, sinceText } from "./logs.ts";

function frame(stream: 1 | 2, text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

describe("engine streams", () => {
  it("give the same lines however the bytes are cut", () => {
    const bytes = Buffer.concat([
      frame(1, "one\ntw"),
      frame(2, "err\r\n"),
      frame(1, "o\nü"),
      frame(1, "ber"),
    ]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 }), (cuts) => {
        const heard: string[] = [];
        const lines = new LineReader((stream, line) => heard.push(`${stream} ${line}`));
        const frames = new FrameReader((stream, payload) => lines.push(stream, payload));
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        for (const [index, edge] of edges.slice(1).entries()) frames.push(bytes.subarray(edges[index], edge));
        lines.flush();
        expect(heard).toEqual(["stdout one", "stderr err", "stdout two", "stdout über"]);
      }),
    );
  });

  it("leave out what comes behind a million characters without a line end", () => {
    const heard: number[] = [];
    const lines = new LineReader((_stream, line) => heard.push(line.length));
    for (let piece = 0; piece < 40; piece += 1) lines.push("stdout", Buffer.alloc(64 * 1024, 97));
    lines.push("stdout", Buffer.from("\nnext\n"));
    expect(heard).toEqual([1024 * 1024, 4]);
  });

  it("merge by time", async () => {
    async function* source(...stamps: string[]) {
      for (const stamp of stamps) yield { stamp };
    }
    const merged: string[] = [];
    for await (const [index, { stamp }] of mergeByTime([source("1", "4"), source(), source("2", "3", "5")]))
      merged.push(`${index}:${stamp}`);
    expect(merged).toEqual(["0:1", "2:2", "2:3", "0:4", "2:5"]);
  });

  it("name times without losing digits", () => {
    expect(sinceText(1_700_000_000_042)).toBe("1700000000.042000000");
    expect(sinceText("2023-11-14T22:13:20.123456789Z")).toBe("1700000000.123456789");
  });

  it("make producers wait while the buffer is full", async () => {
    const channel = new Channel<number>(2);
    let pushed = 0;
    const producer = (async () => {
      for (const value of [1, 2, 3, 4]) {
        await channel.push(value);
        pushed += 1;
      }
      channel.close();
    })();
    await Promise.resolve();
    await Promise.resolve();
    expect(pushed).toBe(2);
    const seen: number[] = [];
    for await (const value of channel.values()) seen.push(value);
    await producer;
    expect(seen).toEqual([1, 2, 3, 4]);
  });
});

describe("API versions", () => {
  it("are ordered by number, not by text", () => {
    expect(compareVersions("1.9", "1.41")).toBeLessThan(0);
    expect(compareVersions("1.45", "1.45")).toBe(0);
  });
});
