import { PlatformError } from "../../../lib/platform-error.ts";
import { runtimeError } from "../../errors.ts";
import type { JobOutcome, JobSpec } from "../../port.ts";
import { FrameReader, LineReader } from "./frames.ts";
import type { DockerHost } from "./host.ts";
import { label } from "./labels.ts";
import { removeReplicaFiles } from "./replica-files.ts";
import { createContainer, startContainer } from "./replicas.ts";

/** Lines kept for the outcome. */
const keptLines = 50;

/** Runs a job in a container of its own and removes it, however it ended. */
export async function runJob(
  host: DockerHost,
  spec: JobSpec,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const name = `${spec.id}-job-${spec.jobId}`;
  await removeOrphans(host, spec, signal);
  host.activeJobs.add(name);
  let timer: NodeJS.Timeout | undefined;
  let timedOut = false;
  try {
    const id = await createContainer(
      host,
      { spec, name, role: "job", jobId: spec.jobId, ...(spec.argv === undefined ? {} : { argv: spec.argv }) },
      signal,
    );
    await startContainer(host, id, name, signal);
    // Killing it ends the log and the wait below, with every line that it wrote.
    timer = setTimeout(() => {
      timedOut = true;
      void host.killContainer(id, signal).catch(() => undefined);
    }, spec.timeoutSeconds * 1000);
    // Should the kill not reach the engine, this ends the wait.
    const limit = AbortSignal.any([signal, AbortSignal.timeout((spec.timeoutSeconds + 60) * 1000)]);
    const lastLines = await follow(host, id, { tty: spec.compose.tty === true, onLine }, limit);
    const { exitCode, oomKilled } = await outcomeOf(host, id, spec.timeoutSeconds, signal);
    return { exitCode, timedOut, oomKilled, lastLines };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof PlatformError || !timedOut) throw error;
    throw runtimeError("RUNTIME_UNREACHABLE", `${name} did not end when it was killed`, { cause: error });
  } finally {
    clearTimeout(timer);
    host.activeJobs.delete(name);
    // Also when the caller gave up: nothing of a job may stay behind.
    await removeOwn(host, name, AbortSignal.timeout(60_000));
  }
}

/**
 * A control plane that was killed leaves its job running, and the job's outcome is lost. Before the same job is run
 * again the old one must end: two migrations at once would be worse than none.
 */
async function removeOrphans(host: DockerHost, spec: JobSpec, signal: AbortSignal): Promise<void> {
  const jobs = await host.containers(spec.scope, signal, [label.job]);
  const names = jobs.map((job) => job.Names[0]?.replace(/^\//, "") ?? "");
  for (const name of names) {
    if (name.startsWith(`${spec.id}-job-`) && !host.activeJobs.has(name)) await removeOwn(host, name, signal);
  }
}

async function removeOwn(host: DockerHost, name: string, signal: AbortSignal): Promise<void> {
  const found = await host.replica(name as JobSpec["id"], signal);
  if (found !== undefined) await host.removeContainer(found.Id, signal);
  await removeReplicaFiles(host.filesDirectory, name);
}

/** Passes lines on until the container ends; returns the last ones. */
async function follow(
  host: DockerHost,
  id: string,
  output: { tty: boolean; onLine: (line: string) => void },
  signal: AbortSignal,
): Promise<string[]> {
  const last: string[] = [];
  const lines = new LineReader((_stream, line) => {
    last.push(line);
    if (last.length > keptLines) last.shift();
    output.onLine(line);
  });
  const frames = new FrameReader((stream, payload) => lines.push(stream, payload));
  const answer = await host.client.stream({
    method: "GET",
    dedicated: true,
    path: `/containers/${id}/logs`,
    query: { stdout: true, stderr: true, follow: true },
    signal,
  });
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (output.tty) lines.push("stdout", chunk);
    else frames.push(chunk);
  }
  lines.flush();
  return last;
}

/** A log driver that cannot be followed ends the stream early, so the container's own end is waited for as well. */
async function outcomeOf(
  host: DockerHost,
  id: string,
  limitSeconds: number,
  signal: AbortSignal,
): Promise<{ exitCode: number; oomKilled: boolean }> {
  await host.client.send({
    method: "POST",
    path: `/containers/${id}/wait`,
    signal,
    timeoutMs: (limitSeconds + 30) * 1000,
  });
  const ended = await host.inspect(id, signal);
  return { exitCode: ended?.State.ExitCode ?? 1, oomKilled: ended?.State.OOMKilled ?? false };
}
