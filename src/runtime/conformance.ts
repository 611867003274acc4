import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type ConformanceOptions,
  type HostUnderTest,
  httpProbe,
  isDigest,
  Stage,
  signal,
  timing,
  until,
} from "./conformance-support.ts";
import type { LogLine, ReplicaSpec } from "./port.ts";

export type { ConformanceOptions, HostUnderTest } from "./conformance-support.ts";

type Check = (title: string, body: (stage: Stage, host: HostUnderTest) => Promise<void>) => void;

/** Every promise of `Runtime`, against a real host. What does not concern a driver is named with the reason. */
export function runtimeConformance(
  name: string,
  make: () => Promise<HostUnderTest>,
  options: ConformanceOptions,
): void {
  describe(`${name} keeps the runtime contract`, () => {
    const titles = new Set<string>();
    let host: HostUnderTest;
    let stage: Stage;
    beforeAll(async () => {
      host = await make();
    });
    beforeEach(() => {
      stage = new Stage(host.runtime, options);
    });
    afterEach(() => stage.clean());
    afterAll(() => host.runtime.close());

    const check: Check = (title, body) => {
      titles.add(title);
      if (!options.notFor?.some(({ tests }) => tests.includes(title))) it(title, () => body(stage, host));
    };
    imageChecks(check, options);
    startChecks(check);
    stopChecks(check);
    logChecks(check);
    endChecks(check);
    jobChecks(check);
    probeChecks(check);
    insideChecks(check);
    hostChecks(check);
    for (const title of options.notFor?.flatMap(({ tests }) => tests) ?? [])
      if (!titles.has(title)) throw new Error(`notFor names an unknown test: ${title}`);
  });
}

function imageChecks(check: Check, options: ConformanceOptions): void {
  check("an image resolves to the same digest each time", async (stage) => {
    const compose = options.program(["serve"]);
    const request = { scope: stage.scope, service: "web", compose };
    const first = await stage.runtime.ensureImage(request, () => undefined, signal);
    expect(isDigest(first.digest)).toBe(true);
    const second = await stage.runtime.ensureImage(request, () => undefined, signal);
    expect(second).toEqual(first);
    const pinned = await stage.runtime.ensureImage(
      { ...request, digest: first.digest },
      () => undefined,
      signal,
    );
    expect(pinned.digest).toBe(first.digest);
  });
  check("an image that cannot be had is refused with a hint", async (stage) => {
    const request = { scope: stage.scope, service: "missing", compose: options.missing };
    await expect(stage.runtime.ensureImage(request, () => undefined, signal)).rejects.toMatchObject({
      code: "RUNTIME_IMAGE_UNAVAILABLE",
      hint: expect.stringMatching(/./),
    });
  });
  check("asking for the same resources twice gives the same addresses (R-114)", async (stage) => {
    const first = await stage.spec("web");
    const second = await stage.spec("web");
    expect(second.addresses).toEqual(first.addresses);
    expect(first.addresses.map((address) => address.service)).toContain("web");
  });
}

function startChecks(check: Check): void {
  check("a started replica is observed with everything it was started with", async (stage) => {
    const spec = await stage.ready("web", { revision: "bbbbbbbbbb", ordinal: 2 });
    const { id, scope, service, revision, ordinal, release } = spec;
    const replica = await stage.observe(spec);
    expect(replica).toMatchObject({ id, scope, service, revision, ordinal, release, state: "running" });
    expect(replica).toMatchObject({ oomKilled: false, restarts: 0, imageDigest: spec.image.digest });
    expect(replica?.host).toMatch(/^[0-9a-f.:]+$/);
    expect(replica?.startedAt).toBeGreaterThan(0);
    expect(replica?.exitedAt).toBeUndefined();
    expect(replica?.exitCode).toBeUndefined();
  });
  check("starting a running replica changes nothing", async (stage) => {
    const spec = await stage.ready("web");
    const before = await stage.runtime.observe(stage.scope, signal);
    await stage.runtime.startReplica(spec, signal);
    expect(await stage.runtime.observe(stage.scope, signal)).toEqual(before);
  });
  check("a hundred starts of one id at once make one replica", async (stage) => {
    const spec = await stage.spec("web");
    await Promise.all(Array.from({ length: 100 }, () => stage.runtime.startReplica(spec, signal)));
    expect(await stage.runtime.observe(stage.scope, signal)).toHaveLength(1);
  });
  check("a hundred starts of one id at once start one program", async (stage) => {
    const spec = await stage.spec("web");
    await Promise.all(Array.from({ length: 100 }, () => stage.runtime.startReplica(spec, signal)));
    await until("an answer", async () => (await stage.runtime.probe(spec.id, httpProbe, signal)).ok);
    expect((await stage.lines()).filter(({ text }) => text.startsWith("started as"))).toHaveLength(1);
  });
  check("a replica that ended can be started again", async (stage) => {
    const spec = await stage.ready("web");
    const first = await stage.observe(spec);
    await stage.runtime.stopReplica(spec.id, 5, signal);
    await stage.runtime.startReplica(spec, signal);
    const again = await stage.observe(spec);
    expect(again).toMatchObject({ state: "running" });
    expect(again?.exitCode).toBeUndefined();
    expect(again?.startedAt).toBeGreaterThanOrEqual(first?.startedAt ?? Number.POSITIVE_INFINITY);
  });
  check("replicas of one service stand beside each other", async (stage) => {
    const specs: ReplicaSpec[] = [];
    for (const ordinal of [0, 1, 2]) specs.push(await stage.ready("web", { ordinal }));
    const replicas = await stage.runtime.observe(stage.scope, signal);
    const places = replicas.map(({ host, portMap }) => `${host}:${portMap[8080] ?? 8080}`);
    expect(new Set(places).size).toBe(specs.length);
  });
  check("an aborted call rejects", async (stage) => {
    const spec = await stage.spec("web");
    await expect(stage.runtime.startReplica(spec, AbortSignal.abort())).rejects.toThrow();
    expect(await stage.observe(spec)).toBeUndefined();
  });
  check("environment and files reach the program", async (stage) => {
    const file = { target: "/run/secrets/token", content: Buffer.from("s3cret\n"), mode: 0o444 };
    const environment = { GREETING: "hello = $world", TOKEN_FILE: "/run/secrets/token" };
    const spec = await stage.ready("web", { environment, files: [file] });
    expect(JSON.parse(await stage.get(spec, "/env"))).toMatchObject({ GREETING: "hello = $world" });
    expect(await stage.get(spec, "/file?of=TOKEN_FILE")).toBe("s3cret\n");
  });
}

function stopChecks(check: Check): void {
  check("a missing replica is stopped and removed", async (stage) => {
    const { id } = await stage.spec("web");
    await stage.runtime.stopReplica(id, 1, signal);
    await stage.runtime.removeReplica(id, signal);
  });
  check("a stopped replica stays, with its exit code, and stopping again is fine", async (stage) => {
    const spec = await stage.ready("web");
    await stage.runtime.stopReplica(spec.id, 10, signal);
    await stage.runtime.stopReplica(spec.id, 10, signal);
    const replica = await stage.observe(spec);
    expect(replica).toMatchObject({ state: "exited", exitCode: 0, oomKilled: false });
    expect(replica?.exitedAt).toBeGreaterThanOrEqual(replica?.startedAt ?? Number.POSITIVE_INFINITY);
    expect(replica?.host).toBeUndefined();
  });
  check("the stop signal comes before the kill", async (stage) => {
    const spec = await stage.ready("web");
    await stage.runtime.stopReplica(spec.id, 10, signal);
    expect((await stage.lines()).map(({ text }) => text)).toContain("got SIGTERM");
  });
  check("a program that ignores the stop signal is killed after the grace period", async (stage) => {
    const spec = await stage.ready("stubborn", { args: ["stubborn"] });
    await stage.runtime.stopReplica(spec.id, 1, signal);
    const replica = await stage.observe(spec);
    expect(replica).toMatchObject({ state: "exited", exitCode: 137 });
    expect((replica?.exitedAt ?? 0) - (replica?.startedAt ?? 0)).toBeGreaterThanOrEqual(1000);
  });
  check("removing a running replica leaves nothing of it", async (stage) => {
    const spec = await stage.ready("web");
    await stage.runtime.removeReplica(spec.id, signal);
    await stage.runtime.removeReplica(spec.id, signal);
    expect(await stage.observe(spec)).toBeUndefined();
    expect(await stage.lines()).toEqual([]);
  });
  check("a program that crashes is exited, with its code and its last lines", async (stage) => {
    const spec = await stage.start("crash", { args: ["crash"] });
    expect(await stage.exited(spec)).toMatchObject({ exitCode: 3, oomKilled: false });
    expect(await stage.lines()).toEqual([
      expect.objectContaining({ replica: spec.id, stream: "stderr", text: "cannot reach the database" }),
    ]);
  });
}

function logChecks(check: Check): void {
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

function endChecks(check: Check): void {
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

function jobChecks(check: Check): void {
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

function probeChecks(check: Check): void {
  check("a healthy replica passes http, tcp and alive probes (R-159)", async (stage) => {
    const { id } = await stage.ready("web");
    const tcp = { kind: "tcp" as const, port: 8080, ...timing };
    const alive = { kind: "alive" as const, stableSeconds: 0, ...timing };
    for (const probe of [httpProbe, tcp, alive])
      expect(await stage.runtime.probe(id, probe, signal)).toMatchObject({ ok: true });
  });
  check("a failing http probe says what was answered", async (stage) => {
    const { id } = await stage.start("sick", { environment: { SICK: "1" } });
    const failure = await until("an answer", async () => {
      const result = await stage.runtime.probe(id, httpProbe, signal);
      return !result.ok && result.body !== undefined ? result : undefined;
    });
    expect(failure).toMatchObject({ reason: expect.stringMatching(/503/), body: "database is away" });
  });
  check("a port where nobody listens fails http and tcp probes", async (stage) => {
    const { id } = await stage.start("hanging", { args: ["hang"] });
    for (const probe of [httpProbe, { kind: "tcp" as const, port: 8080, ...timing }])
      expect(await stage.runtime.probe(id, probe, signal)).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/./),
      });
  });
  check("an alive probe fails before its time", async (stage) => {
    const { id } = await stage.start("web");
    const probe = { kind: "alive" as const, stableSeconds: 3600, ...timing };
    expect(await stage.runtime.probe(id, probe, signal)).toMatchObject({ ok: false });
  });
  check("no probe passes on a replica that has ended or is missing", async (stage) => {
    const spec = await stage.ready("web");
    const alive = { kind: "alive" as const, stableSeconds: 0, ...timing };
    await stage.runtime.stopReplica(spec.id, 10, signal);
    for (const probe of [httpProbe, alive])
      expect(await stage.runtime.probe(spec.id, probe, signal)).toMatchObject({ ok: false });
    await stage.runtime.removeReplica(spec.id, signal);
    expect(await stage.runtime.probe(spec.id, alive, signal)).toMatchObject({ ok: false });
  });
  check("an exec probe passes with exit code 0 and quotes the output otherwise (R-158)", async (stage) => {
    const { id } = await stage.ready("web");
    const probe = (script: string) =>
      stage.runtime.probe(
        id,
        { kind: "exec", argv: ["node", "-e", script], shell: false, ...timing },
        signal,
      );
    expect(await probe("")).toMatchObject({ ok: true });
    expect(await probe("console.log('no heartbeat'); process.exit(1)")).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/1/),
      body: expect.stringMatching(/no heartbeat/),
    });
  });
  check("a shell exec probe is run by a shell", async (stage) => {
    const { id } = await stage.ready("web");
    const probe = { kind: "exec" as const, argv: ["exit 0 || exit 1"], shell: true, ...timing };
    expect(await stage.runtime.probe(id, probe, signal)).toMatchObject({ ok: true });
    expect(await stage.runtime.probe(id, { ...probe, argv: ["true && exit 3"] }, signal)).toMatchObject({
      ok: false,
    });
  });
  check("an exec probe that hangs is ended at its time limit (R-158)", async (stage) => {
    const { id } = await stage.ready("web");
    const argv = ["node", "-e", "setInterval(() => {}, 1000)"];
    const probe = { kind: "exec" as const, argv, shell: false, ...timing, timeoutSeconds: 1 };
    expect(await stage.runtime.probe(id, probe, signal)).toMatchObject({ ok: false });
  });
}

function insideChecks(check: Check): void {
  check("exec streams both outputs and gives the exit code", async (stage) => {
    const { id } = await stage.ready("shell");
    const heard = { out: "", err: "" };
    const decoder = new TextDecoder();
    const io = {
      tty: false,
      onStdout: (chunk: Uint8Array) => {
        heard.out += decoder.decode(chunk);
      },
      onStderr: (chunk: Uint8Array) => {
        heard.err += decoder.decode(chunk);
      },
    };
    const script = "process.stdout.write('out'); process.stderr.write('err'); process.exitCode = 4";
    expect(await stage.runtime.exec(id, ["node", "-e", script], io, signal)).toBe(4);
    expect(heard).toEqual({ out: "out", err: "err" });
  });
  check("exec passes standard input on", async (stage) => {
    const { id } = await stage.ready("web", { environment: { ROLE: "inside" } });
    let heard = "";
    const io = {
      tty: false,
      stdin: (async function* () {
        yield new TextEncoder().encode("ping ");
        yield new TextEncoder().encode("pong");
      })(),
      onStdout: (chunk: Uint8Array) => {
        heard += Buffer.from(chunk).toString();
      },
      onStderr: () => undefined,
    };
    const script = "process.stdin.on('data', (d) => process.stdout.write(d + process.env.ROLE))";
    expect(await stage.runtime.exec(id, ["node", "-e", script], io, signal)).toBe(0);
    expect(heard.replaceAll("inside", "")).toBe("ping pong");
    expect(heard).toContain("inside");
  });
  check("exec in a replica that does not run is refused", async (stage) => {
    const spec = await stage.ready("web");
    await stage.runtime.stopReplica(spec.id, 10, signal);
    const io = { tty: false, onStdout: () => undefined, onStderr: () => undefined };
    await expect(stage.runtime.exec(spec.id, ["true"], io, signal)).rejects.toMatchObject({
      code: "RUNTIME_REPLICA_NOT_RUNNING",
    });
    await stage.runtime.removeReplica(spec.id, signal);
    await expect(stage.runtime.exec(spec.id, ["true"], io, signal)).rejects.toMatchObject({
      code: "RUNTIME_REPLICA_MISSING",
    });
  });
  check("stats hold one sample of each running replica", async (stage) => {
    const web = await stage.ready("web");
    const crash = await stage.start("crash", { args: ["crash"] });
    await stage.exited(crash);
    const samples = await stage.runtime.stats(stage.scope, signal);
    expect(samples.map((sample) => sample.replica)).toEqual([web.id]);
    expect(samples[0]?.memoryBytes).toBeGreaterThan(1024 ** 2);
    expect(samples[0]?.cpu).toBeGreaterThanOrEqual(0);
  });
}

function hostChecks(check: Check): void {
  check("watchers hear of a death until their signal ends", async (stage) => {
    const spec = await stage.ready("web");
    const stop = new AbortController();
    let nudges = 0;
    stage.runtime.watch(() => {
      nudges += 1;
    }, stop.signal);
    await stage.runtime.stopReplica(spec.id, 10, signal);
    await until("a nudge", async () => nudges > 0);
    stop.abort();
    const heard = nudges;
    await stage.runtime.removeReplica(spec.id, signal);
    expect(nudges).toBe(heard);
  });
  check("scopes do not see each other", async (stage) => {
    const web = await stage.ready("web");
    const other = { stack: stage.scope.stack, environment: "other" };
    expect(await stage.runtime.observe(other, signal)).toEqual([]);
    expect(await stage.runtime.stats(other, signal)).toEqual([]);
    expect(await stage.lines({ scope: other })).toEqual([]);
    const all = await stage.runtime.observe("all", signal);
    expect(all.map((replica) => replica.id)).toContain(web.id);
  });
  check("replicas outlive their driver, and the next one adopts them", async (stage, host) => {
    const spec = await stage.ready("web");
    const before = await stage.observe(spec);
    await host.runtime.close();
    host.runtime = await host.reopen();
    stage.runtime = host.runtime;
    expect(await stage.observe(spec)).toEqual(before);
    expect(await stage.runtime.probe(spec.id, httpProbe, signal)).toMatchObject({ ok: true });
    await stage.runtime.startReplica(spec, signal);
    expect(await stage.runtime.observe(stage.scope, signal)).toEqual([before]);
    await stage.runtime.stopReplica(spec.id, 10, signal);
    expect(await stage.observe(spec)).toMatchObject({ state: "exited" });
  });
  check("a volume outlives its replicas and networks, until its removal is asked for", async (stage) => {
    const compose = { volumes: [{ type: "volume" as const, source: "data", target: "/data" }] };
    const environment = { DATA_DIR: "/data" };
    const starts = async () => {
      const spec = await stage.ready("web", { compose, environment });
      const line = (await stage.lines()).find(({ text }) => text.startsWith("start number"));
      await stage.runtime.removeReplica(spec.id, signal);
      return line?.text;
    };
    expect(await starts()).toBe("start number 1");
    await stage.runtime.removeResources(stage.scope, { volumes: false }, signal);
    await stage.runtime.removeResources(stage.scope, { volumes: false }, signal);
    expect(await starts()).toBe("start number 2");
    await stage.runtime.removeResources(stage.scope, { volumes: true }, signal);
    expect(await starts()).toBe("start number 1");
  });
}
