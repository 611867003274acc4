import type { Run } from "../delivery/run.ts";
import { environmentOf, sourceSettings } from "../delivery/source-settings.ts";
import { formatSeconds } from "../lib/duration.ts";
import { messageOf, PlatformError } from "../lib/platform-error.ts";
import { may } from "../policy/permissions.ts";
import { audited } from "./audited.ts";
import type { Identity } from "./auth/identity.ts";
import type { ApiParts } from "./parts.ts";
import { runEvents } from "./run-events.ts";

export type PushedRef = { before: string; after: string; ref: string };

const nothing = /^0+$/;

/** Starts the runs of a push and writes, line by line, what the pusher's terminal shows until they are over. */
export async function followPush(
  parts: ApiParts,
  push: { source: string; user: Identity; refs: readonly PushedRef[] },
  write: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const ref of push.refs) {
    const branch = /^refs\/heads\/(.+)$/.exec(ref.ref)?.[1];
    if (branch === undefined || nothing.test(ref.after)) continue;
    const environment = environmentOf(sourceSettings(parts.store, push.source), branch);
    if (environment === undefined) {
      write(`${branch} is kept; no environment follows it`);
      write(`  roadstead source ${push.source} --branch ${branch}=staging`);
      continue;
    }
    if (!may(push.user.grants, "develop", { stack: push.source, environment })) {
      write(`✗ ${push.user.name} may not deploy to ${push.source}/${environment}`);
      continue;
    }
    try {
      const run = await begin(parts, { ...push, branch, environment, commit: ref.after }, signal);
      await follow(parts, run, write, signal);
    } catch (error) {
      if (signal.aborted) return;
      write(`✗ ${messageOf(error)}`);
      if (error instanceof PlatformError && error.hint !== undefined) write(`  ${error.hint}`);
    }
  }
}

async function begin(
  parts: ApiParts,
  push: { source: string; user: Identity; branch: string; environment: string; commit: string },
  signal: AbortSignal,
): Promise<Run> {
  const { source, branch, environment, commit } = push;
  const { name, aliases } = push.user;
  const by = { name, aliases, reason: `push of ${branch}` };
  const { subject, author } = await parts.sources.describe(source, commit, signal);
  const scope = { stack: source, environment };
  return audited(parts, { by, action: "push", target: source }, (detail) => {
    const run = parts.delivery.accept(
      { source, scope, ref: branch, commit, subject, author, trigger: "push" },
      by,
    );
    detail({ run: run.id, branch, commit });
    return run;
  });
}

async function follow(
  parts: ApiParts,
  run: Run,
  write: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  write(`${run.source} → ${run.scope.environment} (${run.id}); Ctrl-C leaves it running`);
  let phase = "";
  for await (const { item } of runEvents(
    { book: parts.delivery.book, clock: parts.clock },
    run.id,
    0,
    signal,
  )) {
    if (item.type === "line") {
      if (item.line.phase !== phase) write(`── ${item.line.phase}`);
      phase = item.line.phase;
      write(`   ${item.line.job === undefined ? "" : `${item.line.job} | `}${item.line.line}`);
    }
    if (item.type === "run" && item.run.state === "waiting") write(`   ${waitingFor(item.run.phases)}`);
    if (item.type === "end") await conclude(parts, run, write);
  }
}

function waitingFor(phases: readonly { state: string; detail?: string }[]): string {
  return phases.find((phase) => phase.state === "waiting")?.detail ?? "waiting";
}

/** The verdict with the time of each phase, and where the stack answers now. */
async function conclude(parts: ApiParts, { id }: Run, write: (line: string) => void): Promise<void> {
  const run = parts.delivery.book.get(id);
  if (!run) return;
  const times = run.phases
    .filter((phase) => phase.state === "done")
    .map(
      ({ name, startedAt = 0, finishedAt = 0 }) =>
        `${name} ${formatSeconds((finishedAt - startedAt) / 1000)}`,
    );
  const total = formatSeconds(((run.finishedAt ?? run.createdAt) - run.createdAt) / 1000);
  if (run.state === "succeeded") {
    write(`✓ ${run.scope.stack} (${run.scope.environment}) serves ${run.commit.slice(0, 7)} after ${total}`);
    write(`  ${times.join(" · ")}`);
    const { services } = await parts.engine.status(run.scope);
    for (const url of services.flatMap((service) => service.urls)) write(`  ${url}`);
    return;
  }
  write(
    `✗ ${run.state} after ${total}${run.failure ? ` in ${run.failure.phase}: ${run.failure.message}` : ""}`,
  );
  for (const line of run.failure?.lastLines ?? []) write(`  | ${line}`);
  if (run.failure?.hint !== undefined) write(`  ${run.failure.hint}`);
}
