import { expect } from "vitest";
import {
  type Check,
  type ConformanceOptions,
  httpProbe,
  isDigest,
  signal,
  until,
} from "./conformance-support.ts";
import type { ReplicaSpec } from "./port.ts";

/** See `runtimeConformance`. */
export function imageChecks(check: Check, options: ConformanceOptions): void {
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

/** See `runtimeConformance`. */
export function startChecks(check: Check): void {
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

/** See `runtimeConformance`. */
export function stopChecks(check: Check): void {
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
