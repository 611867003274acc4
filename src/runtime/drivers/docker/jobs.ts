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
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    const id = await createContainer(
      host,
      { spec, name, role: "job", jobId: spec.jobId, ...(spec.argv === undefined ? {} : { argv: spec.argv }) },
      signal,
    );
    timer = setTimeout(() => limit.abort(), spec.timeoutSeconds * 1000);
    await startContainer(host, id, name, signal);
    const lastLines = await follow(
      host,
      id,
      { tty: spec.compose.tty === true, onLine },
      AbortSignal.any([signal, limit.signal]),
    );
    signal.throwIfAborted();
    if (limit.signal.aborted) return { exitCode: 137, timedOut: true, oomKilled: false, lastLines };
    return { ...(await outcomeOf(host, id, limit.signal, signal)), lastLines };
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

/** Passes lines on until the container ends or the signal fires; returns the last ones. */
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
  try {
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
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  lines.flush();
  return last;
}

async function outcomeOf(
  host: DockerHost,
  id: string,
  limit: AbortSignal,
  signal: AbortSignal,
): Promise<{ exitCode: number; timedOut: boolean; oomKilled: boolean }> {
  try {
    // A log driver that cannot be followed ends the stream early: the container's end is what counts.
    await host.client.json<{ StatusCode: number }>({
      method: "POST",
      path: `/containers/${id}/wait`,
      signal: AbortSignal.any([signal, limit]),
      timeoutMs: 24 * 3600_000,
    });
  } catch (error) {
    if (!limit.aborted || signal.aborted) throw error;
    return { exitCode: 137, timedOut: true, oomKilled: false };
  }
  const ended = await host.inspect(id, signal);
  return {
    exitCode: ended?.State.ExitCode ?? 1,
    timedOut: false,
    oomKilled: ended?.State.OOMKilled ?? false,
  };
}
