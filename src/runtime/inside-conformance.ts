import { expect } from "vitest";
import { type Check, httpProbe, signal, timing, until } from "./conformance-support.ts";

/** See `runtimeConformance`. */
export function probeChecks(check: Check): void {
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

/** See `runtimeConformance`. */
export function insideChecks(check: Check): void {
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
  check("exec holds a program back while its output is being taken", async (stage) => {
    const { id } = await stage.ready("web");
    const taken = { bytes: 0, atOnce: 0, most: 0 };
    const io = {
      tty: false,
      onStdout: async (chunk: Uint8Array) => {
        taken.atOnce += 1;
        taken.most = Math.max(taken.most, taken.atOnce);
        await new Promise((resolve) => setImmediate(resolve));
        taken.bytes += chunk.byteLength;
        taken.atOnce -= 1;
      },
      onStderr: () => undefined,
    };
    const script = "for (let i = 0; i < 8; i++) process.stdout.write(Buffer.alloc(1 << 20, 65))";
    expect(await stage.runtime.exec(id, ["node", "-e", script], io, signal)).toBe(0);
    expect(taken).toEqual({ bytes: 8 << 20, atOnce: 0, most: 1 });
    const refusing = { ...io, onStdout: () => Promise.reject(new Error("no room")) };
    await expect(stage.runtime.exec(id, ["node", "-e", script], refusing, signal)).rejects.toThrow("no room");
  });
  check("exec ends when it is stopped, also while nobody takes its output", async (stage) => {
    const { id } = await stage.ready("web");
    const stop = new AbortController();
    const io = {
      tty: false,
      onStdout: () => {
        stop.abort(new Error("stopped here"));
        return new Promise<void>(() => undefined);
      },
      onStderr: () => undefined,
    };
    const script = "process.stdout.write('first'); setInterval(() => process.stdout.write('more'), 20)";
    await expect(stage.runtime.exec(id, ["node", "-e", script], io, stop.signal)).rejects.toThrow(
      "stopped here",
    );
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

/** See `runtimeConformance`. */
export function hostChecks(check: Check): void {
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
