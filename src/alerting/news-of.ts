import type { Run } from "../delivery/run.ts";
import type { News } from "../notify/news.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { UpdateEvent } from "../scheduler/parts.ts";
import type { Deployment } from "../store/port.ts";

/** What a run has to say to people; undefined: nothing, or its deployment says it already. */
export function newsOfRun(run: Run, now: number): News | undefined {
  const at = now;
  const { scope, id } = run;
  const what = `${run.ref} at ${run.commit.slice(0, 10)} (${run.subject}) by ${run.author}`;
  const waiting = run.phases.find(({ state }) => state === "waiting");
  if (waiting) {
    const detail = waiting.detail ?? "it waits";
    const isApproval = waiting.name === "approve";
    return {
      kind: isApproval ? "approval" : "deployment",
      severity: isApproval ? "warning" : "info",
      scope,
      title: isApproval ? "Approval needed" : "Run waits",
      text: `${what}: ${detail}. ${isApproval ? `roadstead approve ${id}` : ""}`.trim(),
      at,
      // A reminder says that it is one, so it is told; the same wait after a restart is not.
      key: `run/${id}/${waiting.name}/${detail}`,
    };
  }
  if (run.state !== "failed" && run.state !== "rejected") return undefined;
  // The alert about the deployment has the step and the probe.
  if (run.failure?.phase === "deploy") return undefined;
  const why = run.failure ? `${run.failure.phase}: ${run.failure.message}` : run.state;
  return {
    kind: "deployment",
    severity: "warning",
    scope,
    title: run.state === "rejected" ? "Run rejected" : "Run failed",
    text: `${what}: ${why}`,
    at,
    key: `run/${id}/${run.state}`,
  };
}

const updateTitles = {
  updated: "Updated",
  failed: "Update failed",
  held: "Update held back",
  refused: "Update refused",
  unreachable: "Registry unreachable",
  awaiting: "Approval needed: update",
  rejected: "Update rejected",
} as const satisfies Readonly<Record<UpdateEvent["kind"], string>>;

/** One notification for each update, with old and new digest (R-156); a failed one is told once per digest. */
export function newsOfUpdate({ kind, scope, service, message, from, to }: UpdateEvent, now: number): News {
  const digests = to === undefined ? from : `${from} -> ${to}`;
  const day = new Date(now).toISOString().slice(0, 10);
  // What has no new digest may come back: once a day then.
  const which = to ?? day;
  const isBad = ["failed", "unreachable", "refused", "awaiting"].includes(kind);
  return {
    kind: kind === "awaiting" ? "approval" : "update",
    severity: isBad ? "warning" : "info",
    scope,
    title: `${updateTitles[kind]}: ${service}`,
    text: `${message} (${digests})`,
    at: now,
    key: `update/${scopeKey(scope)}/${service}/${kind}/${which}`,
  };
}

const deploymentWords: Readonly<Record<Deployment["kind"], string>> = {
  deploy: "Deployed",
  rollback: "Rolled back",
  restart: "Restarted",
  scale: "Scaled",
  stop: "Stopped",
  start: "Started",
  down: "Taken down",
};

/** A deployment that went well; one that failed is an alert. */
export function newsOfDeployment(
  deployment: Deployment,
  release: string | undefined,
  now: number,
): News | undefined {
  const { id, scope, kind, requestedBy, reason, state } = deployment;
  if (state !== "succeeded" || requestedBy === "auto-update") return undefined;
  const why = reason === "" ? "" : `: ${reason}`;
  return {
    kind: "deployment",
    severity: "info",
    scope,
    title: `${deploymentWords[kind]} ${nameOf(scope)}`,
    text: `${release === undefined ? "" : `${release} serves. `}By ${requestedBy}${why}`,
    at: now,
    key: `deployment/${id}`,
  };
}

function nameOf({ stack, environment }: Scope): string {
  return `${stack} in ${environment}`;
}
