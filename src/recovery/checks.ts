import type { RecoveryCheck } from "../policy/recovery-tree.ts";
import type { ServiceStatus } from "../reconciler/engine.ts";
import { smokeWrong } from "../reconciler/steps/judge.ts";
import type { Service, SmokeCheck } from "../stack/stack.ts";
import {
  type Answer,
  incidentOf,
  isWell,
  remember,
  type StepContext,
  scopeOf,
  serviceOf,
  serviceStatus,
  statusOf,
  waitFor,
} from "./step-context.ts";

const maxRestarts = 2;
const routeLimitMs = 10_000;
const anyAnswer = 500;
const settleMs = 1000;
const searchedDeployments = 200;

/** Answers the questions of the tree by looking at what runs. */
export const checks: Readonly<Record<RecoveryCheck, (context: StepContext) => Promise<Answer>>> = {
  serviceFailing: async (context) => {
    const { facts } = incidentOf(context);
    const { state, message = state } = await serviceStatus(context);
    // It may have been started again already; that it ended is enough to make sure of it.
    if (facts.ended === true) return { yes: true, detail: "its process ended" };
    return { yes: !["healthy", "stopped", "completed"].includes(state), detail: message };
  },

  servicePassing: async (context) => {
    const { state, message = state, wanted } = await settled(context);
    if (state !== "healthy") return { yes: false, detail: message };
    const replicas = wanted === 1 ? "1 replica" : `${wanted} replicas`;
    return {
      yes: true,
      detail: message,
      entry: { kind: "probe", text: `Health check passing (${replicas})` },
    };
  },

  routesAnswer: async (context) => {
    const name = serviceOf(context);
    const service = context.parts.stackOf(scopeOf(context))?.services.find((one) => one.name === name);
    const requests = service ? requestsOf(service) : [];
    const wrong = await waitFor(
      context,
      async () => {
        const value = await firstWrong(context, requests);
        return { over: value === undefined, value };
      },
      routeLimitMs,
    );
    if (wrong !== undefined) return { yes: false, detail: wrong };
    const text =
      requests.length === 0
        ? "Verified: it runs (no public route)"
        : `Verified all API endpoints working (${requests.length} through the edge)`;
    return { yes: true, detail: "they answer", entry: { kind: "verified", text } };
  },

  restartsLeft: async (context) => {
    const begun = incidentOf(context).walk?.begun["restart"] ?? 0;
    return { yes: begun < maxRestarts, detail: `restarted ${begun} of ${maxRestarts} times` };
  },

  earlierRelease: async (context) => {
    const { store } = context.parts;
    const scope = scopeOf(context);
    if ((incidentOf(context).walk?.begun["rollback"] ?? 0) > 0)
      return { yes: false, detail: "rolled back already" };
    const current = store.scopes.get(scope)?.current;
    const earlier = store.deployments
      .list(scope, searchedDeployments)
      .find(({ state, release }) => state === "succeeded" && release !== undefined && release !== current);
    const number = earlier?.release && store.releases.get(earlier.release)?.number;
    return { yes: earlier !== undefined, detail: number === undefined ? "there is none" : `v${number}` };
  },

  databaseFailing: async (context) => {
    const { facts } = incidentOf(context);
    if (facts.declared === true) return { yes: true, detail: "somebody said so" };
    const { state, message = state } = await serviceStatus(context);
    return { yes: state !== "healthy" && state !== "stopped", detail: message };
  },

  snapshotLeft: async (context) => {
    const { restores } = context.parts;
    if (!restores) return { yes: false, detail: "nothing here is backed up" };
    const { facts } = incidentOf(context);
    const from = facts.dataFrom ?? scopeOf(context);
    const tried = [...new Set([...(facts.tried ?? []), ...(facts.snapshot ? [facts.snapshot.id] : [])])];
    const next = restores.snapshots(from, serviceOf(context)).find(({ id }) => !tried.includes(id));
    remember(context, { tried, ...(next ? { snapshot: next } : {}) });
    return next
      ? { yes: true, detail: `${next.id} of ${new Date(next.takenAt).toISOString()}` }
      : { yes: false, detail: tried.length === 0 ? "there is none" : `all ${tried.length} were tried` };
  },

  databaseUp: async (context) => {
    const { state, message = state } = await serviceStatus(context);
    const yes = state === "healthy";
    return {
      yes,
      detail: message,
      ...(yes ? { entry: { kind: "probe", text: "Database up" } as const } : {}),
    };
  },

  dataIntact: async (context) => {
    const { restores } = context.parts;
    const { snapshot, dataFrom } = incidentOf(context).facts;
    if (!restores || !snapshot) return { yes: false, detail: "there is nothing to compare it with" };
    const scope = scopeOf(context);
    const wish = { scope, from: dataFrom ?? scope, service: serviceOf(context), snapshot: snapshot.id };
    const { ok, detail } = await restores.inspect(wish, context.signal);
    const entry = { kind: "verified", text: `Data integrity verified: ${detail}` } as const;
    return { yes: ok, detail, ...(ok ? { entry } : {}) };
  },

  servicesUp: async (context) => {
    const ill = await waitFor(
      context,
      async () => {
        const { services } = await statusOf(context);
        const value = services
          .filter((service) => !isWell(service))
          .map(({ name, state }) => `${name} ${state}`);
        return { over: value.length === 0, value };
      },
      20_000,
    );
    if (ill.length > 0) return { yes: false, detail: ill.join(", ") };
    return { yes: true, detail: "all", entry: { kind: "probe", text: "All services healthy" } };
  },

  serverDown: async () => ({ yes: false, detail: "this control plane runs" }),

  breachDeclared: async (context) => {
    const { facts, openedBy } = incidentOf(context);
    return { yes: facts.declared === true, detail: `by ${openedBy}` };
  },

  rebuildConfirmed: async (context) => {
    const yes = incidentOf(context).facts.rebuild === true;
    return { yes, detail: yes ? "confirmed" : "nobody has confirmed it yet" };
  },
};

/** The service after it was looked at for a while: what dies at once is not well. */
async function settled(context: StepContext): Promise<ServiceStatus> {
  const { clock } = context.parts;
  const begun = clock.now();
  return waitFor(
    context,
    async () => {
      const value = await serviceStatus(context);
      const died = (incidentOf(context).facts.lastDownAt ?? 0) > begun;
      if (died) return { over: true, value: { ...value, state: "down", message: "it ended again" } };
      return { over: value.state !== "healthy" || clock.now() - begun >= settleMs, value };
    },
    settleMs,
  );
}

type RouteRequest = { check: SmokeCheck; host: string; exact: boolean };

/** Its own smoke checks where it has some; else each route must not answer with a fault of the server. */
export function requestsOf(service: Service): RouteRequest[] {
  const hosts = [...new Set(service.routes.map(({ host }) => host).filter((host) => !host.startsWith("*")))];
  const [host] = hosts;
  if (host === undefined) return [];
  if (service.smoke.length > 0) return service.smoke.map((check) => ({ check, host, exact: true }));
  return service.routes
    .filter((route) => !route.host.startsWith("*"))
    .map((route) => ({
      check: { method: "GET", path: route.path, status: 200 },
      host: route.host,
      exact: false,
    }));
}

async function firstWrong(
  { parts, signal }: StepContext,
  requests: readonly RouteRequest[],
): Promise<string | undefined> {
  for (const { check, host, exact } of requests) {
    const what = `${check.method} ${host}${check.path}`;
    try {
      const answer = await parts.request(check, host, signal);
      const wrong = exact
        ? smokeWrong(check, answer)
        : answer.status < anyAnswer
          ? undefined
          : `answered ${answer.status}`;
      if (wrong !== undefined) return `${what}: ${wrong}`;
    } catch (error) {
      if (signal.aborted) throw error;
      return `${what}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return undefined;
}
