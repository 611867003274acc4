import type { Clock } from "../lib/clock.ts";
import type { Incident, IncidentEntry, IncidentFacts } from "../policy/incident-record.ts";
import type { Actor, ScopeStatus, ServiceStatus } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Deployment } from "../store/port.ts";
import { recoveryError } from "./errors.ts";
import type { IncidentBook } from "./incident-book.ts";
import type { RecoveryParts } from "./parts.ts";

const pollMs = 100;

/** What one step of a recovery sees. */
export type StepContext = {
  parts: RecoveryParts;
  book: IncidentBook;
  id: string;
  signal: AbortSignal;
};

export type Answer = { yes: boolean; detail: string; entry?: Pick<IncidentEntry, "kind" | "text"> };

export function incidentOf({ book, id }: StepContext): Incident {
  return book.get(id);
}

export function scopeOf(context: StepContext): Scope {
  const { scope } = incidentOf(context);
  if (!scope) throw recoveryError("RECOVERY_NOT_POSSIBLE", "the incident names no stack");
  return scope;
}

export function serviceOf(context: StepContext): string {
  const { service } = incidentOf(context);
  if (service === undefined) throw recoveryError("RECOVERY_NOT_POSSIBLE", "the incident names no service");
  return service;
}

export function actorOf({ id }: StepContext): Actor {
  return { name: "roadstead", reason: `recovery of incident ${id}` };
}

export function remember({ book, id }: StepContext, facts: IncidentFacts): void {
  book.change(id, (incident) => ({ ...incident, facts: { ...incident.facts, ...facts } }));
}

export async function statusOf(context: StepContext): Promise<ScopeStatus> {
  return context.parts.engine.status(scopeOf(context));
}

export async function serviceStatus(context: StepContext): Promise<ServiceStatus> {
  const name = serviceOf(context);
  const found = (await statusOf(context)).services.find((service) => service.name === name);
  if (!found) throw recoveryError("RECOVERY_NOT_POSSIBLE", `there is no service ${name} any more`);
  return found;
}

export function isWell({ state }: ServiceStatus): boolean {
  return state === "healthy" || state === "completed" || state === "stopped";
}

/**
 * Starts a deployment and writes down which, as one transaction: after a crash the same one is waited for. Then its
 * end; one that does not end in time is aborted.
 */
export async function carryOut(context: StepContext, begin: () => Deployment): Promise<Deployment> {
  const { parts, book, id, signal } = context;
  const known = incidentOf(context).walk?.doing?.deployment;
  const started = parts.store.transaction(() => {
    const earlier = known === undefined ? undefined : findDeployment(context, known);
    if (earlier) return earlier;
    const deployment = begin();
    book.change(id, (incident) =>
      incident.walk
        ? { ...incident, walk: { ...incident.walk, doing: { deployment: deployment.id } } }
        : incident,
    );
    return deployment;
  });
  const ended = await endOf(context, started).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    abortQuietly(context, started);
    throw error;
  });
  if (ended.state === "succeeded") return ended;
  const why = ended.failure?.message ?? `it ended as ${ended.state}`;
  throw recoveryError("RECOVERY_STEP_FAILED", `the ${ended.kind} failed: ${parts.mask(ended.scope, why)}`);
}

/** The next deployment of the same step, e.g. for the second of three secrets. */
export function forgetDeployment({ book, id }: StepContext): void {
  book.change(id, (incident) =>
    incident.walk ? { ...incident, walk: { ...incident.walk, doing: {} } } : incident,
  );
}

async function endOf(context: StepContext, { id }: Deployment): Promise<Deployment> {
  for (;;) {
    const now = context.parts.store.deployments.get(id);
    if (!now) throw recoveryError("RECOVERY_STEP_FAILED", "its deployment is gone");
    if (now.finishedAt !== undefined) return now;
    await context.parts.clock.sleep(pollMs, context.signal);
  }
}

function abortQuietly({ parts }: StepContext, { id, scope }: Deployment): void {
  const [oldest] = parts.store.deployments.unfinished(scope);
  if (oldest?.id !== id) return;
  try {
    parts.engine.abort(scope, { name: "roadstead", reason: "its time for the recovery is over" });
  } catch (error) {
    parts.log("warn", `could not abort ${id} of ${scopeKey(scope)}: ${String(error)}`);
  }
}

function findDeployment({ parts }: StepContext, id: string): Deployment | undefined {
  return parts.store.deployments.get(id as Deployment["id"]);
}

/** Looks until it holds, or the time is over: then what was seen last. */
export async function waitFor<T>(
  { parts: { clock }, signal }: StepContext,
  look: () => Promise<{ over: boolean; value: T }>,
  limitMs: number,
): Promise<T> {
  const end = clock.now() + limitMs;
  for (;;) {
    const { over, value } = await look();
    if (over || clock.now() >= end) return value;
    await clock.sleep(pollMs, signal);
  }
}

/** Aborts after `ms` of this clock; `done` takes the timer away. */
export function timeLimit(clock: Clock, ms: number): { signal: AbortSignal; done: () => void } {
  const [over, late] = [new AbortController(), new AbortController()];
  clock.sleep(Math.max(0, ms), over.signal).then(
    () => late.abort(recoveryError("RECOVERY_STEP_FAILED", `not within ${Math.round(ms / 1000)} s`)),
    // It ended in time.
    () => undefined,
  );
  return { signal: late.signal, done: () => over.abort() };
}
