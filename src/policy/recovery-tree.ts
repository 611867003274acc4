import type { IncidentClass } from "./alert-rule.ts";

/** A question about the world, answered by looking. */
export type RecoveryCheck =
  | "serviceFailing"
  | "servicePassing"
  | "routesAnswer"
  | "restartsLeft"
  | "earlierRelease"
  | "databaseFailing"
  | "snapshotLeft"
  | "databaseUp"
  | "dataIntact"
  | "servicesUp"
  | "serverDown"
  | "breachDeclared"
  | "rebuildConfirmed";

/** Something that is done. Each may be done again after a crash in the middle of it. */
export type RecoveryAction =
  | "restart"
  | "awaitHealth"
  | "rollback"
  | "stopAffected"
  | "restore"
  | "startAffected"
  | "isolate"
  | "preserveEvidence"
  | "stopAll"
  | "rotateSecrets"
  | "rebuild"
  | "recoverServer"
  | "escalate";

export type RecoveryEnd = "resolved" | "falseAlarm" | "escalated" | "contained";

type Common = {
  id: string;
  /** As it stands in the runbook. */
  text: string;
  /** The same by hand: a command line of this program without its name. */
  command: string;
  limitSeconds: number;
};
export type RecoveryNode =
  | (Common & { kind: "question"; check: RecoveryCheck; yes: string; no: string })
  | (Common & {
      kind: "action";
      action: RecoveryAction;
      next: string;
      /** Where to when it has failed `attempts` times. */
      failed: string;
      attempts: number;
    })
  | { kind: "end"; id: string; text: string; end: RecoveryEnd };

export type RecoveryBranch = {
  incident: IncidentClass;
  title: string;
  /** Target from the failure to resolved. */
  rtoSeconds: number;
  /** Target for the age of the data that is brought back. */
  rpoSeconds?: number;
  /** Begins without asking anybody. */
  automatic: boolean;
  /** People are called when it begins, not only when it does not help. */
  callsAtOnce: boolean;
  first: string;
  nodes: readonly RecoveryNode[];
};

const minute = 60;
const hour = 60 * minute;
/** An action that fails this often is not tried a third time. */
const twice = 2;

const resolved: RecoveryNode = { kind: "end", id: "resolved", text: "Resolved", end: "resolved" };
const falseAlarm: RecoveryNode = {
  kind: "end",
  id: "false-alarm",
  text: "Nothing is wrong: closed as a false alarm",
  end: "falseAlarm",
};
const escalated: RecoveryNode = {
  kind: "end",
  id: "escalated",
  text: "People have it; the incident stays open until it is healthy again",
  end: "escalated",
};
const escalate = action("escalate", "Call the people of this kind of incident", {
  action: "escalate",
  command: "oncall who",
  next: "escalated",
  limitSeconds: minute,
});

const serviceCrash: RecoveryBranch = {
  incident: "service",
  title: "Service crash",
  rtoSeconds: 2 * minute,
  automatic: true,
  callsAtOnce: false,
  first: "failing",
  nodes: [
    question("failing", "Health check failing?", {
      check: "serviceFailing",
      command: "health",
      yes: "restart",
      no: "false-alarm",
    }),
    action("restart", "Restart the service", {
      action: "restart",
      command: "restart",
      next: "wait",
      failed: "again",
      attempts: 1,
      limitSeconds: 3 * minute,
    }),
    action("wait", "Wait up to 30 s for the health check", {
      action: "awaitHealth",
      command: "status",
      next: "passing",
      failed: "again",
      attempts: 1,
      limitSeconds: 30,
    }),
    question("passing", "Health check passing?", {
      check: "servicePassing",
      command: "health",
      yes: "verify",
      no: "again",
    }),
    question("verify", "Do all its routes answer through the edge?", {
      check: "routesAnswer",
      command: "smoke",
      yes: "resolved",
      no: "again",
    }),
    question("again", "Restarted less than twice?", {
      check: "restartsLeft",
      command: "status",
      yes: "restart",
      no: "earlier",
    }),
    question("earlier", "Is there an earlier release to go back to?", {
      check: "earlierRelease",
      command: "releases",
      yes: "rollback",
      no: "escalate",
    }),
    action("rollback", "Roll back to the release before", {
      action: "rollback",
      command: "rollback",
      next: "healed",
      failed: "escalate",
      attempts: 1,
      limitSeconds: 10 * minute,
    }),
    question("healed", "Health check passing now?", {
      check: "servicePassing",
      command: "health",
      yes: "verify-rollback",
      no: "escalate",
    }),
    question("verify-rollback", "Do all its routes answer through the edge?", {
      check: "routesAnswer",
      command: "smoke",
      yes: "resolved",
      no: "escalate",
    }),
    escalate,
    resolved,
    falseAlarm,
    escalated,
  ],
};

const databaseCorruption: RecoveryBranch = {
  incident: "database",
  title: "Database corruption",
  rtoSeconds: 20 * minute,
  rpoSeconds: 24 * hour,
  automatic: false,
  callsAtOnce: true,
  first: "scope",
  nodes: [
    question("scope", "Is the database down, or did somebody say that its data is damaged?", {
      check: "databaseFailing",
      command: "health",
      yes: "snapshot",
      no: "false-alarm",
    }),
    question("snapshot", "Is there a verified backup?", {
      check: "snapshotLeft",
      command: "backup list",
      yes: "stop",
      no: "escalate",
    }),
    action("stop", "Stop the services that use it, and only those", {
      action: "stopAffected",
      command: "stop",
      next: "restore",
      failed: "start-anyway",
      limitSeconds: 3 * minute,
    }),
    action("restore", "Restore the newest verified backup that was not tried yet", {
      action: "restore",
      command: "restore",
      next: "up",
      failed: "older",
      limitSeconds: 15 * minute,
    }),
    question("up", "Database up?", { check: "databaseUp", command: "health", yes: "intact", no: "older" }),
    question("intact", "Does the data hold what its backup promised?", {
      check: "dataIntact",
      command: "backup show",
      yes: "start",
      no: "older",
    }),
    question("older", "Is there an older verified backup?", {
      check: "snapshotLeft",
      command: "backup list",
      yes: "restore",
      no: "start-anyway",
    }),
    action("start", "Start the services again", {
      action: "startAffected",
      command: "start",
      next: "healthy",
      failed: "escalate",
      limitSeconds: 5 * minute,
    }),
    question("healthy", "Are the database and its services healthy?", {
      check: "servicesUp",
      command: "health",
      yes: "resolved",
      no: "escalate",
    }),
    action("start-anyway", "Start what was stopped: nothing is left to wait for", {
      action: "startAffected",
      command: "start",
      next: "escalate",
      limitSeconds: 5 * minute,
    }),
    escalate,
    resolved,
    falseAlarm,
    escalated,
  ],
};

const serverFailure: RecoveryBranch = {
  incident: "server",
  title: "Full server failure",
  rtoSeconds: 2 * hour,
  rpoSeconds: 24 * hour,
  automatic: false,
  callsAtOnce: true,
  first: "down",
  nodes: [
    question("down", "Is the whole server down, seen from outside?", {
      check: "serverDown",
      command: "health --all",
      yes: "recover",
      no: "false-alarm",
    }),
    action("recover", "On an empty host: bring back the platform, its stacks, their data and their names", {
      action: "recoverServer",
      command: "recover",
      next: "healthy",
      failed: "escalate",
      limitSeconds: 2 * hour,
    }),
    question("healthy", "Is every service healthy, and does every public route answer from outside?", {
      check: "servicesUp",
      command: "health --all",
      yes: "resolved",
      no: "escalate",
    }),
    escalate,
    resolved,
    falseAlarm,
    escalated,
  ],
};

const securityBreach: RecoveryBranch = {
  incident: "security",
  title: "Security breach",
  rtoSeconds: 4 * hour,
  automatic: false,
  callsAtOnce: true,
  first: "breach",
  nodes: [
    question("breach", "Did somebody declare a breach of this stack?", {
      check: "breachDeclared",
      command: "audit",
      yes: "isolate",
      no: "false-alarm",
    }),
    action("isolate", "Cut the stack off: no route, no request in, no connection out", {
      action: "isolate",
      command: "stop",
      next: "evidence",
      failed: "stop-all",
      limitSeconds: minute,
    }),
    action("evidence", "Preserve evidence: logs, state, audit trail, with checksums", {
      action: "preserveEvidence",
      command: "incident export",
      next: "stop-all",
      failed: "stop-all",
      limitSeconds: 5 * minute,
    }),
    action("stop-all", "Stop every service of the stack", {
      action: "stopAll",
      command: "stop",
      next: "rotate",
      failed: "escalate",
      limitSeconds: 5 * minute,
    }),
    action("rotate", "Rotate the secrets that were named; list those that their issuers must renew", {
      action: "rotateSecrets",
      command: "secrets rotate",
      next: "confirm",
      failed: "escalate",
      limitSeconds: 10 * minute,
    }),
    question("confirm", "Did somebody confirm that the hole is closed?", {
      check: "rebuildConfirmed",
      command: "incident recover --rebuild",
      yes: "rebuild",
      no: "contained",
    }),
    action("rebuild", "Rebuild: fresh replicas from the images of the release, by digest", {
      action: "rebuild",
      command: "start",
      next: "healthy",
      failed: "escalate",
      limitSeconds: 15 * minute,
    }),
    question("healthy", "Is every service of the stack healthy?", {
      check: "servicesUp",
      command: "health",
      yes: "resolved",
      no: "escalate",
    }),
    escalate,
    resolved,
    falseAlarm,
    escalated,
    {
      kind: "end",
      id: "contained",
      text: "Contained: nothing of the stack runs until somebody confirms the rebuild",
      end: "contained",
    },
  ],
};

/** The recovery tree: what failed, and what is then done, with a path for every answer. */
export const recoveryTree: Readonly<Record<IncidentClass, RecoveryBranch>> = {
  service: serviceCrash,
  database: databaseCorruption,
  server: serverFailure,
  security: securityBreach,
};

export function nodeOf(branch: RecoveryBranch, id: string): RecoveryNode {
  return branch.nodes.find((node) => node.id === id) ?? escalated;
}

type Question = Extract<RecoveryNode, { kind: "question" }>;
type Action = Extract<RecoveryNode, { kind: "action" }>;

function question(
  id: string,
  text: string,
  {
    limitSeconds = 30,
    ...rest
  }: Pick<Question, "check" | "command" | "yes" | "no"> & { limitSeconds?: number },
): Question {
  return { kind: "question", id, text, limitSeconds, ...rest };
}

function action(
  id: string,
  text: string,
  {
    failed = "escalated",
    attempts = twice,
    ...rest
  }: Pick<Action, "action" | "command" | "next" | "limitSeconds"> & { failed?: string; attempts?: number },
): Action {
  return { kind: "action", id, text, failed, attempts, ...rest };
}
