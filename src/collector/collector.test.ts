import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { MemoryLogStore } from "../logs/drivers/memory.ts";
import { until } from "../logs/logs-support.ts";
import type { LogFilter, LogStore } from "../logs/port.ts";
import { defaultAccess } from "./access-sampler.ts";
import { LogCollector } from "./collector.ts";
import { PrintingHost, scope } from "./collector-support.ts";
import { defaultLimits } from "./line-budget.ts";

const never = new AbortController().signal;
const running: LogCollector[] = [];

function aCollector(runtime: PrintingHost, logs: LogStore): LogCollector {
  const collector = new LogCollector({
    ...{
      runtime,
      logs,
      clock: systemClock,
      limits: defaultLimits,
      access: defaultAccess,
      log: () => undefined,
    },
    mask: (_scope, text) => text.replaceAll("hunter22", "***"),
  });
  running.push(collector);
  collector.start();
  return collector;
}

async function linesOf(logs: LogStore, filter: LogFilter = {}) {
  const { lines } = await logs.search({ ...filter, limit: 5000 }, never);
  return lines;
}

const out = (at: number, text: string) => ({ stream: "stdout" as const, at, text });
const err = (at: number, text: string) => ({ stream: "stderr" as const, at, text });

afterEach(async () => {
  for (const collector of running.splice(0)) await collector.stop();
});

describe("the collector", () => {
  it("keeps both streams with service, release, level and request id, masked (R-107, R-236, R-240)", async () => {
    const host = new PrintingHost();
    const logs = new MemoryLogStore();
    aCollector(host, logs);
    const id = host.start("api", "rel_7");
    host.print(id, out(1, "password is hunter22"), err(2, "ERROR request_id=abc-12345 failed"));
    await until(() => logs.usage().bytes > 40);
    const source = { scope, service: "api", release: "rel_7", replica: id };
    expect(await linesOf(logs)).toMatchObject([
      { ...source, stream: "stdout", at: 1, text: "password is ***" },
      { ...source, stream: "stderr", at: 2, level: "error", requestId: "abc-12345" },
    ]);
  });

  it("keeps the lines of a replica that is gone, its last ones too (R-236)", async () => {
    const host = new PrintingHost();
    const logs = new MemoryLogStore();
    const collector = aCollector(host, logs);
    const id = host.start("api");
    host.print(id, out(1, "first"), out(2, "last words"));
    host.end(id);
    await collector.settle(id);
    host.remove(id);
    await collector.look();
    expect((await linesOf(logs)).map(({ text }) => text)).toEqual(["first", "last words"]);
    expect(logs.positions(scope)).toEqual({});
  });

  it("goes on after a restart without a gap or a double, wherever it stopped (R-236)", async () => {
    const host = new PrintingHost();
    const logs = new MemoryLogStore();
    const id = host.start("api");
    const written: string[] = [];
    for (let turn = 0; turn < 12; turn += 1) {
      const collector = aCollector(host, logs);
      await until(() => logs.positions(scope)[id] !== undefined || turn === 0);
      for (let line = 0; line < 7; line += 1) {
        // Many of one moment, in both streams.
        const text = `${turn} ${line}`;
        const at = 1000 + Math.floor((turn * 7 + line) / 5);
        host.print(id, line % 3 === 0 ? err(at, text) : out(at, text));
        written.push(text);
        if (line === turn % 7) await collector.stop();
      }
    }
    aCollector(host, logs);
    await until(() => logs.usage().bytes >= written.join("").length);
    const found = await linesOf(logs);
    expect(found.map(({ text }) => text).sort()).toEqual(written.sort());
    const stdout = found.filter(({ stream }) => stream === "stdout").map(({ text }) => text);
    const turnOf = (text: string) => text.split(" ").map(Number);
    expect(stdout).toEqual(
      stdout.toSorted((a, b) => {
        const [[turnA = 0, lineA = 0], [turnB = 0, lineB = 0]] = [turnOf(a), turnOf(b)];
        return turnA - turnB || lineA - lineB;
      }),
    );
  });

  it("drops a flood with a line that counts it, and not the lines of others (R-236)", async () => {
    const host = new PrintingHost();
    const logs = new MemoryLogStore();
    const collector = aCollector(host, logs);
    const loud = host.start("loud");
    const calm = host.start("calm");
    const flood = Array.from({ length: 100_000 }, (_, at) => out(1000 + at, `line ${at}`));
    for (let at = 0; at < flood.length; at += 1000) host.print(loud, ...flood.slice(at, at + 1000));
    host.print(calm, out(1, "heard"));
    await until(() => (logs.positions(scope)[loud] ?? "").includes("100999+1"));
    host.end(loud);
    await collector.settle(loud);
    const [marker] = await linesOf(logs, { streams: ["platform"] });
    const dropped = Number(/^(\d+) lines dropped/.exec(marker?.text ?? "")?.[1]);
    let kept = 0;
    for (let before: string | undefined; ; ) {
      const filter = { services: ["loud"], streams: ["stdout"] as const, limit: 5000 };
      const page = await logs.search({ ...filter, ...(before === undefined ? {} : { before }) }, never);
      kept += page.lines.length;
      before = page.next;
      if (before === undefined) break;
    }
    expect(kept + dropped).toBe(100_000);
    expect(kept).toBeGreaterThanOrEqual(20_000);
    expect((await linesOf(logs, { services: ["calm"] })).map(({ text }) => text)).toEqual(["heard"]);
  });

  it("cuts a very long line behind its masking (R-107)", async () => {
    const host = new PrintingHost();
    const logs = new MemoryLogStore();
    aCollector(host, logs);
    const id = host.start("api");
    host.print(id, out(1, `${"x".repeat(16 * 1024 - 4)}hunter22${"y".repeat(100_000)}`));
    await until(() => logs.usage().bytes > 16_000);
    const [line] = await linesOf(logs);
    expect(line?.text).toMatch(/x\*\*\*y … 99999 more characters$/);
  });
});
