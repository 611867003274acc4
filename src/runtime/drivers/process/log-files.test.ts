import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReplicaId } from "../../../rollout/ids.ts";
import { LogFiles } from "./log-files.ts";

const id = "shop-test-web-aaaaaaaaaa-0" as ReplicaId;
let folder = "";
let logs: LogFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "roadstead-logs-"));
  logs = new LogFiles(folder, 100);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const print = (text: string, stream: "stdout" | "stderr" = "stdout") =>
  appendFile(logs.pathOf(id, stream), text);
const texts = async () => (await logs.readAll(id)).lines.map(({ text }) => text);

describe("log files", () => {
  it("give whole lines of both streams, and a last one without an end", async () => {
    await print("one\r\ntwo\n\nthr");
    await print("bad\n", "stderr");
    const { lines } = await logs.readAll(id);
    expect(lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text)).toEqual([
      ...["one", "two", "", "thr"],
    ]);
    expect(lines.filter(({ stream }) => stream === "stderr").map(({ text }) => text)).toEqual(["bad"]);
  });

  it("show each line once to a reader that goes on, characters split over two writes included", async () => {
    const umlaut = Buffer.from("ä");
    await writeFile(logs.pathOf(id, "stdout"), Buffer.concat([Buffer.from("a\nb"), umlaut.subarray(0, 1)]));
    const { cursors } = await logs.readAll(id);
    const cursor = cursors.get("stdout") ?? { offset: -1, rest: Buffer.alloc(0) };
    await appendFile(logs.pathOf(id, "stdout"), Buffer.concat([umlaut.subarray(1), Buffer.from("\nc\n")]));
    const fresh = await logs.readNew(id, "stdout", cursor);
    expect(fresh.map(({ text }) => text)).toEqual(["bä", "c"]);
    expect(await logs.readNew(id, "stdout", cursor)).toEqual([]);
  });

  it("keep the time of a line over later writes and a restart", async () => {
    await print("first\n");
    const [first] = (await logs.readAll(id)).lines;
    expect(first?.at).toBe(Math.floor((await stat(logs.pathOf(id, "stdout"))).mtimeMs));
    await print("second\n");
    const again = await new LogFiles(folder).readAll(id);
    expect(again.lines[0]).toEqual(first);
    expect(again.lines[1]?.at).toBeGreaterThanOrEqual(first?.at ?? Number.POSITIVE_INFINITY);
  });

  it("are rotated when they grow, without losing the order, and the oldest goes", async () => {
    for (const letter of ["a", "b", "c", "d", "e"]) {
      await print(`${letter.repeat(120)}\n`);
      await logs.maintain(id);
    }
    await print("last\n");
    expect((await texts()).map((text) => text.charAt(0))).toEqual(["c", "d", "e", "l"]);
    expect((await stat(logs.pathOf(id, "stdout"))).size).toBe(5);
  });

  it("are followed over a rotation", async () => {
    await print("before\n");
    const { cursors } = await logs.readAll(id);
    const cursor = cursors.get("stdout") ?? { offset: -1, rest: Buffer.alloc(0) };
    await print(`${"x".repeat(120)}\n`);
    expect(await logs.readNew(id, "stdout", cursor)).toHaveLength(1);
    await logs.maintain(id);
    await print("after\n");
    expect((await logs.readNew(id, "stdout", cursor)).map(({ text }) => text)).toEqual(["after"]);
  });

  it("go wholly when their replica is removed", async () => {
    await print(`${"x".repeat(120)}\n`);
    await logs.maintain(id);
    await logs.remove(id);
    expect(await readdir(folder)).toEqual([]);
    expect(await texts()).toEqual([]);
  });
});
