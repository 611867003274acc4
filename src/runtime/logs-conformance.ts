import { expect } from "vitest";
import { type Check, type Stage, signal, until } from "./conformance-support.ts";
import type { LogLine, ReplicaSpec } from "./port.ts";

/** See `runtimeConformance`. */
export function logChecks(check: Check): void {
  check("logs are kept after the end, and cut by tail, service and replica", async (stage) => {
    const crash = await stage.start("crash", { args: ["crash"] });
    await stage.exited(crash);
    const web = await stage.ready("web");
    expect(await stage.lines({ services: ["crash"] })).toHaveLength(1);
    expect((await stage.lines({ replica: web.id })).every((line) => line.service === "web")).toBe(true);
    expect(await stage.lines({ services: ["nobody"] })).toEqual([]);
    expect(await stage.lines({ services: ["crash"], tail: 0 })).toEqual([]);
    expect(await stage.lines({ services: ["crash"], tail: 1 })).toHaveLength(1);
  });
  check("tail gives the last lines in order", async (stage) => {
    const web = await stage.ready("web");
    for (const text of ["one", "two", "three"]) await stage.get(web, `/log?text=${text}`);
    const last = await until("all lines", async () => {
      const lines = await stage.lines({ tail: 2 });
      return lines.at(-1)?.text === "three" ? lines : undefined;
    });
    expect(last.map((line) => line.text)).toEqual(["two", "three"]);
  });
  check("since leaves out what is older", async (stage) => {
    const web = await stage.ready("web");
    const at = (await stage.lines()).at(-1)?.at ?? Number.NaN;
    await until("a line with a later time", async () => {
      await stage.get(web, "/log?text=later");
      return ((await stage.lines()).at(-1)?.at ?? 0) > at;
    });
    const lines = await stage.lines({ since: at + 1 });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every((line) => line.text === "later")).toBe(true);
  });
  check("following ends with its signal", async (stage) => {
    await stage.ready("web");
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    for await (const line of stage.runtime.logs({ scope: stage.scope, follow: true }, stop.signal))
      expect(line.service).toBe("web");
    expect(stop.signal.aborted).toBe(true);
  });
  check("following goes on with new lines", async (stage) => {
    const web = await stage.ready("web");
    const stop = new AbortController();
    const seen: LogLine[] = [];
    const reading = (async () => {
      for await (const line of stage.runtime.logs({ scope: stage.scope, follow: true }, stop.signal))
        seen.push(line);
    })();
    await until("the first line", async () => seen.length > 0);
    await stage.get(web, "/log?text=fresh");
    await until("the fresh line", async () => seen.some((line) => line.text === "fresh"));
    stop.abort();
    await reading;
    expect(seen.filter((line) => line.text === "fresh")).toHaveLength(1);
  });
}

async function allUntilEnd(stage: Stage, id: ReplicaSpec["id"], since?: number): Promise<LogLine[]> {
  const seen: LogLine[] = [];
  const query = { scope: stage.scope, replica: id, follow: true, untilEnd: true };
  for await (const line of stage.runtime.logs(since === undefined ? query : { ...query, since }, signal))
    seen.push(line);
  return seen;
}

/** See `runtimeConformance`. */
export function endChecks(check: Check): void {
  check("following one replica until its end gives every line once, and ends", async (stage) => {
    const web = await stage.ready("web");
    await stage.get(web, "/log?text=before");
    const reading = allUntilEnd(stage, web.id);
    for (const text of ["one", "two", "three"]) await stage.get(web, `/log?text=${text}`);
    await stage.runtime.stopReplica(web.id, 5, signal);
    const seen = await reading;
    const texts = seen.map((line) => line.text).filter((text) => !text.includes(" "));
    expect(texts).toEqual(["before", "one", "two", "three"]);
    expect(seen.every((line) => line.replica === web.id && line.service === "web")).toBe(true);
    const again = await allUntilEnd(stage, web.id);
    expect(again).toEqual(seen);
    const last = seen.findLast((line) => line.text === "three")?.at ?? Number.NaN;
    const late = await allUntilEnd(stage, web.id, last);
    expect(late).toEqual(seen.filter((line) => (line.at ?? 0) >= last));
  });
}

/** See `runtimeConformance`. */
export function jobChecks(check: Check): void {
  const lines = ["job line 1", "job line 2", "job line 3"];
  check("a job tells its lines and its exit code, and leaves nothing", async (stage) => {
    const heard: string[] = [];
    const job = await stage.job("task", ["job", "0"]);
    const outcome = await stage.runtime.runJob(job, (line) => heard.push(line), signal);
    expect(outcome).toEqual({ exitCode: 0, timedOut: false, oomKilled: false, lastLines: lines });
    expect(heard).toEqual(lines);
    expect(await stage.runtime.observe(stage.scope, signal)).toEqual([]);
  });
  check("a failing job is an outcome with its last lines", async (stage) => {
    const job = await stage.job("failing", ["job", "5"]);
    const outcome = await stage.runtime.runJob(job, () => undefined, signal);
    expect(outcome).toEqual({ exitCode: 5, timedOut: false, oomKilled: false, lastLines: lines });
  });
  check("a job is killed at its time limit", async (stage) => {
    const job = await stage.job("hanging", ["hang"], { timeoutSeconds: 1 });
    const outcome = await stage.runtime.runJob(job, () => undefined, signal);
    expect(outcome).toMatchObject({ timedOut: true, lastLines: ["working"] });
    expect(await stage.runtime.observe(stage.scope, signal)).toEqual([]);
  });
  check("a job runs its own argv in the service's image", async (stage) => {
    const argv = ["node", "-e", "console.log(process.env.ROLE, process.env.PORT)"];
    const environment = { ROLE: "migration", PORT: "3000" };
    const job = await stage.job("argv", ["serve"], { argv, environment });
    expect(await stage.runtime.runJob(job, () => undefined, signal)).toMatchObject({
      exitCode: 0,
      lastLines: ["migration 3000"],
    });
  });
}
