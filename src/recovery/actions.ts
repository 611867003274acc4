import type { RecoveryAction } from "../policy/recovery-tree.ts";
import { findReferences } from "../stack/references.ts";
import type { Stack } from "../stack/stack.ts";
import { recoveryError } from "./errors.ts";
import { preserveEvidence } from "./evidence.ts";
import {
  actorOf,
  carryOut,
  forgetDeployment,
  incidentOf,
  remember,
  type StepContext,
  scopeOf,
  serviceOf,
  serviceStatus,
  statusOf,
  waitFor,
} from "./step-context.ts";

const inPlaceMs = 20_000;
const waitMs = 30_000;

/** Carries out the actions of the tree; answers the line of the timeline. Each may be called again after a crash. */
export const actions: Readonly<
  Record<Exclude<RecoveryAction, "escalate">, (context: StepContext) => Promise<string>>
> = {
  restart: async (context) => {
    const { walk, facts, startedAt } = incidentOf(context);
    const name = serviceOf(context);
    if (walk?.begun["restart"] === 1 && facts.ended === true) {
      const restarted = await startedAgain(context, startedAt);
      if (restarted) return "Service restarted";
    }
    await carryOut(context, () => context.parts.engine.restart(scopeOf(context), [name], actorOf(context)));
    return "Service restarted with fresh replicas";
  },

  awaitHealth: async (context) => {
    const { clock } = context.parts;
    const begun = clock.now();
    const healthy = await waitFor(
      context,
      async () => {
        const { state } = await serviceStatus(context);
        const died = (incidentOf(context).facts.lastDownAt ?? 0) > begun;
        const value = state === "healthy" && !died;
        return { over: value || died || state === "crash-looping", value };
      },
      waitMs,
    );
    return healthy ? "Waited until it was healthy" : "Waited; it is not healthy";
  },

  rollback: async (context) => {
    const { store, engine } = context.parts;
    const scope = scopeOf(context);
    const { release } = await carryOut(context, () => engine.rollback(scope, undefined, actorOf(context)));
    const number = release && store.releases.get(release)?.number;
    return `Rolled back to v${number ?? "?"}`;
  },

  stopAffected: async (context) => {
    const { engine, store, stackOf } = context.parts;
    const scope = scopeOf(context);
    const stack = stackOf(scope);
    const stopped = store.scopes.get(scope)?.stopped ?? [];
    const mine = incidentOf(context).facts.stopped ?? [];
    const affected = (stack ? usersOf(stack, serviceOf(context)) : []).filter(
      (name) => mine.includes(name) || !stopped.includes(name),
    );
    if (affected.length === 0) return "No other service uses it";
    remember(context, { stopped: affected });
    await carryOut(context, () => engine.stop(scope, affected, actorOf(context)));
    return `Stopped ${affected.join(", ")}`;
  },

  restore: async (context) => {
    const { restores } = context.parts;
    const { facts, detectedAt, walk } = incidentOf(context);
    const { snapshot } = facts;
    if (!restores || !snapshot) throw recoveryError("RECOVERY_STEP_FAILED", "there is no verified backup");
    const attempt = `${context.id}-${walk?.begun["restore"] ?? 1}`;
    const scope = scopeOf(context);
    const wish = {
      scope,
      from: facts.dataFrom ?? scope,
      service: serviceOf(context),
      snapshot: snapshot.id,
      attempt,
    };
    await restores.restore(wish, actorOf(context), context.signal);
    const rpoSeconds = Math.max(0, (detectedAt - snapshot.takenAt) / 1000);
    context.book.change(context.id, (incident) => ({ ...incident, rpoSeconds }));
    return `Restored the backup of ${new Date(snapshot.takenAt).toISOString().slice(0, 16)}Z`;
  },

  startAffected: async (context) => {
    const { stopped = [] } = incidentOf(context).facts;
    if (stopped.length === 0) return "No service was stopped";
    const { engine } = context.parts;
    await carryOut(context, () => engine.start(scopeOf(context), stopped, actorOf(context)));
    return `Started ${stopped.join(", ")}`;
  },

  isolate: async (context) => {
    await context.parts.engine.isolate(scopeOf(context), true, context.signal);
    return "Isolated: every route and internal address of the stack is cut";
  },

  preserveEvidence: async (context) => {
    const evidence = await preserveEvidence(context);
    remember(context, { evidence });
    return `Preserved ${evidence.files} files of evidence, SHA-256 ${evidence.sha256.slice(0, 16)}…`;
  },

  stopAll: async (context) => {
    const { engine } = context.parts;
    const scope = scopeOf(context);
    await carryOut(context, () => engine.stop(scope, [], actorOf(context)));
    return "Stopped every service";
  },

  rotateSecrets: async (context) => {
    const { renew } = context.parts;
    const scope = scopeOf(context);
    const { rotate = [] } = incidentOf(context).facts;
    const mine = renew?.names(scope) ?? [];
    const unknown = rotate.filter((name) => !mine.includes(name));
    if (unknown.length > 0)
      throw recoveryError("RECOVERY_STEP_FAILED", `these are not kept here: ${unknown.join(", ")}`);
    const left = [...mine.filter((name) => !rotate.includes(name)), ...(renew?.foreign(scope) ?? [])];
    const known = new Set(incidentOf(context).actionItems.map(({ text }) => text));
    const items = left.map((name) => ({
      text: `Renew ${name} at its issuer, then: roadstead secrets rotate`,
    }));
    context.book.change(context.id, (incident) => ({
      ...incident,
      actionItems: [...incident.actionItems, ...items.filter(({ text }) => !known.has(text))],
    }));
    const planned = rotate.length === 0 ? "none was named" : `${rotate.join(", ")} with the rebuild`;
    return `Secrets to rotate: ${planned}; ${left.length} listed for their issuers`;
  },

  rebuild: async (context) => {
    const { engine, runtime, renew, store } = context.parts;
    const scope = scopeOf(context);
    for (const { id, state } of await runtime.observe(scope, context.signal))
      if (state !== "running") await runtime.removeReplica(id, context.signal);
    await engine.isolate(scope, false, context.signal);
    const { rotate = [], rotated = [] } = incidentOf(context).facts;
    for (const name of rotate) {
      if (rotated.includes(name) || !renew) continue;
      await carryOut(context, () => renew.renew(scope, name, actorOf(context)));
      remember(context, { rotated: [...(incidentOf(context).facts.rotated ?? []), name] });
      forgetDeployment(context);
    }
    if ((store.scopes.get(scope)?.stopped ?? []).length > 0)
      await carryOut(context, () => engine.start(scope, [], actorOf(context)));
    const names = rotate.length === 0 ? "" : `; rotated ${rotate.join(", ")}`;
    return `Rebuilt from the images of the release${names}`;
  },

  recoverServer: async () => {
    throw recoveryError(
      "RECOVERY_STEP_FAILED",
      "a lost server is recovered on another host: roadstead recover",
    );
  },
};

/** The engine starts what has ended by itself, at once or after its back-off: whether it did within its time. */
async function startedAgain(context: StepContext, after: number): Promise<boolean> {
  const name = serviceOf(context);
  return waitFor(
    context,
    async () => {
      const { services } = await statusOf(context);
      const service = services.find((one) => one.name === name);
      const value =
        service?.replicas.some(
          ({ role, state, startedAt = 0 }) => role === "current" && state === "running" && startedAt >= after,
        ) ?? false;
      return { over: value, value };
    },
    inPlaceMs,
  );
}

/** Services that call the database or wait for it, and the database itself is none of them. */
export function usersOf(stack: Stack, database: string): string[] {
  const { name, networks, volumes, services } = stack;
  const named = Object.fromEntries(services.map((service) => [service.name, service.compose]));
  const references = findReferences({ name, services: named, networks, volumes, secrets: {}, configs: {} });
  const callers = references.filter(({ to }) => to === database).map(({ from }) => from);
  const waiting = services
    .filter(({ dependsOn }) => dependsOn.some(({ service }) => service === database))
    .map((service) => service.name);
  return [...new Set([...callers, ...waiting])].filter((one) => one !== database).sort();
}
