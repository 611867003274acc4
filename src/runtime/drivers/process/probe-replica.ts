import { messageOf } from "../../../lib/platform-error.ts";
import type { Probe } from "../../../stack/stack.ts";
import type { ProbeResult } from "../../port.ts";
import { probeHttp, quotedCharacters } from "../../probe-http.ts";
import { probeTcp } from "../../probe-tcp.ts";
import { probePostgres } from "./postgres-probe.ts";
import { realPaths } from "./real-paths.ts";
import { probeRedis } from "./redis-probe.ts";
import type { ReplicaRecord } from "./replica-records.ts";
import { runChild } from "./run-child.ts";
import { readServerCheck } from "./server-check.ts";

type ProbeContext = {
  now: number;
  environment: () => Promise<Record<string, string>>;
  signal: AbortSignal;
};

/** One probe of a running replica. */
export async function probeReplica(
  record: ReplicaRecord,
  probe: Probe,
  context: ProbeContext,
): Promise<ProbeResult> {
  const timeoutMs = probe.timeoutSeconds * 1000;
  const at = (port: number) => ({ host: record.host, port: record.portMap[port] ?? port, timeoutMs });
  switch (probe.kind) {
    case "http":
      return probeHttp({ ...at(probe.port), path: probe.path, expect: probe.expect }, context.signal);
    case "tcp":
      return probeTcp(at(probe.port), context.signal);
    case "alive": {
      const age = context.now - (record.startedAt ?? context.now);
      if (age >= probe.stableSeconds * 1000) return { ok: true, latencyMs: 0 };
      return { ok: false, reason: `alive for ${Math.round(age / 100) / 10} s of ${probe.stableSeconds} s` };
    }
    case "exec":
      return probeInside(record, probe, context);
  }
}

async function probeInside(
  record: ReplicaRecord,
  probe: Extract<Probe, { kind: "exec" }>,
  context: ProbeContext,
): Promise<ProbeResult> {
  const timeoutMs = probe.timeoutSeconds * 1000;
  const env = await context.environment();
  const target = { host: record.host, port: record.assignedPort, timeoutMs };
  // Client programs of a database image are not on every machine; their protocol is spoken here instead.
  const check = readServerCheck(record.kind, probe, env);
  if (check?.kind === "postgres") return probePostgres({ ...target, ...check }, context.signal);
  if (check?.kind === "redis") return probeRedis({ ...target, ...check }, context.signal);
  const words = probe.shell ? ["/bin/sh", "-c", ...probe.argv] : probe.argv;
  const argv = words.map((word) => realPaths(pointAtOwnPort(word, record), record.mappings));
  return runProbe(argv, { record, env, timeoutMs, signal: context.signal });
}

async function runProbe(
  argv: readonly string[],
  run: { record: ReplicaRecord; env: Record<string, string>; timeoutMs: number; signal: AbortSignal },
): Promise<ProbeResult> {
  const shown = argv.join(" ");
  const startedAt = performance.now();
  let output = "";
  const hear = (chunk: Uint8Array) => {
    if (output.length < quotedCharacters) output += Buffer.from(chunk).toString("utf8");
  };
  const outcome = await runChild(argv, {
    cwd: run.record.cwd,
    env: run.env,
    ...(run.record.runAs === undefined ? {} : { runAs: run.record.runAs }),
    timeoutMs: run.timeoutMs,
    signal: run.signal,
    onStdout: hear,
    onStderr: hear,
  }).catch((error: unknown) => {
    run.signal.throwIfAborted();
    return { error: messageOf(error) };
  });
  if ("error" in outcome) return { ok: false, reason: outcome.error };
  const body = output.slice(0, quotedCharacters);
  if (outcome.timedOut)
    return { ok: false, reason: `\`${shown}\` did not end within ${run.timeoutMs} ms`, body };
  if (outcome.exitCode === 0) return { ok: true, latencyMs: performance.now() - startedAt };
  return { ok: false, reason: `\`${shown}\` ended with exit code ${outcome.exitCode}`, body };
}

/** A check written for a container means its own port by `localhost:3000`; here that is the assigned one. */
function pointAtOwnPort(word: string, record: ReplicaRecord): string {
  return word.replace(/\b(localhost|127\.0\.0\.1|0\.0\.0\.0):(\d+)\b/g, (whole, _host, port: string) => {
    const assigned = record.portMap[Number(port)];
    return assigned === undefined ? whole : `${record.host}:${assigned}`;
  });
}
