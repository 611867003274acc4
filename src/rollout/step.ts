import type { ReleaseId, ReplicaId, Revision } from "./ids.ts";

/**
 * One idempotent effect as plain JSON: journalled before and after, shown, replayed. A step names what, never how,
 * and never formats itself. Asking twice for the same step is safe.
 */
export type Step =
  /** Pull or build, and learn the digest. */
  | { kind: "ensureImage"; service: string }
  | { kind: "ensureResources" }
  /** A release job (`release:` command) or a Compose one-shot service, once per release, in the new image. */
  | {
      kind: "runJob";
      service: string;
      revision: Revision;
      job: "release" | "service";
      timeoutSeconds: number;
    }
  | { kind: "startReplica"; service: string; revision: Revision; ordinal: number; replica: ReplicaId }
  | { kind: "waitReady"; service: string; replica: ReplicaId; timeoutSeconds: number }
  /** New requests wait at the edge, at most this long, until a `route` or `cutOver` of the service lifts it. */
  | { kind: "hold"; service: string; holdSeconds: number }
  /** Sets the targets and weights of one service and lifts its hold. Done when the edge confirms. */
  | { kind: "route"; service: string; targets: readonly WeightedReplica[] }
  /** Moves all named services to their new targets in one edge configuration. Done when the edge confirms. */
  | { kind: "cutOver"; services: readonly { service: string; targets: readonly WeightedReplica[] }[] }
  /** Gathers the canary's own traffic at this weight; ends in pass, fail or inconclusive. */
  | {
      kind: "watchCanary";
      service: string;
      revision: Revision;
      stepIndex: number;
      weight: number;
      forSeconds: number;
    }
  /** Requests through the real edge. */
  | { kind: "smoke"; service: string }
  /** From here on this release is the current one. */
  | { kind: "markCurrent"; release: ReleaseId }
  | { kind: "drain"; service: string; replica: ReplicaId; timeoutSeconds: number }
  | { kind: "stopReplica"; service: string; replica: ReplicaId; graceSeconds: number }
  | { kind: "removeReplica"; service: string; replica: ReplicaId }
  /** Networks and addresses of the scope; its volumes only when asked. */
  | { kind: "removeResources"; volumes: boolean };

export type StepKind = Step["kind"];
export type StepOf<K extends StepKind> = Extract<Step, { kind: K }>;

export type WeightedReplica = { replica: ReplicaId; weight: number };

/** Steps of one wave do not depend on each other and may run side by side; waves run in order. */
export type PlannedStep = { wave: number; step: Step };

export type Plan = {
  steps: readonly PlannedStep[];
  /** What the operator must know beforehand, e.g. how long a service is unreachable and why. */
  notes: readonly PlanNote[];
};

export type PlanNote = { severity: "info" | "warning"; service?: string; message: string };

/** Stable text key of a step within a deployment: journal entries with the same key are the same effect. */
export function stepKey(step: Step): string {
  switch (step.kind) {
    case "ensureResources":
    case "removeResources":
      return step.kind;
    case "ensureImage":
    case "hold":
    case "smoke":
      return `${step.kind}:${step.service}`;
    case "runJob":
      return `${step.kind}:${step.service}:${step.job}:${step.revision}`;
    case "startReplica":
    case "waitReady":
    case "drain":
    case "stopReplica":
    case "removeReplica":
      return `${step.kind}:${step.replica}`;
    case "route":
      return `${step.kind}:${step.service}:${step.targets.map((t) => `${t.replica}=${t.weight}`).join(",")}`;
    case "cutOver":
      return `${step.kind}:${step.services.map((s) => s.service).join(",")}`;
    case "watchCanary":
      return `${step.kind}:${step.service}:${step.revision}:${step.stepIndex}`;
    case "markCurrent":
      return `${step.kind}:${step.release}`;
  }
}
