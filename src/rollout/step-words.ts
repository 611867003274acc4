import { assertNever } from "../lib/assert-never.ts";
import { formatSeconds } from "../lib/duration.ts";
import type { Step } from "./step.ts";

/** A step that ended, in words: without the limit that no longer matters. */
export function doneWords(step: Step): string {
  if (step.kind === "waitReady") return `${step.service}: replica ${shortReplica(step.replica)} is ready`;
  return stepWords(step).replace(/ \(at most [^)]*\)$/, "");
}

/** A step in words, as a plan or a progress line says it; without a period. */
export function stepWords(step: Step): string {
  switch (step.kind) {
    case "ensureImage":
      return `${step.service}: get the image`;
    case "ensureResources":
      return "networks, volumes and addresses";
    case "runJob":
      return step.job === "release" ? `${step.service}: release job` : `${step.service}: run once`;
    case "startReplica":
      return `${step.service}: start replica ${step.ordinal}`;
    case "waitReady":
      return `${step.service}: wait until ready (at most ${formatSeconds(step.timeoutSeconds)})`;
    case "hold":
      return `${step.service}: hold requests (at most ${formatSeconds(step.holdSeconds)})`;
    case "route":
      return `${step.service}: ${traffic(step.targets)}`;
    case "cutOver":
      return `cut over ${step.services.map((entry) => entry.service).join(", ")}`;
    case "watchCanary":
      return `${step.service}: watch the canary at ${step.weight} % for ${formatSeconds(step.forSeconds)}`;
    case "smoke":
      return `${step.service}: smoke checks through the edge`;
    case "markCurrent":
      return "make this release the current one";
    case "drain":
      return `${step.service}: drain ${ordinalOf(step.replica)} (at most ${formatSeconds(step.timeoutSeconds)})`;
    case "stopReplica":
      return `${step.service}: stop ${ordinalOf(step.replica)}`;
    case "removeReplica":
      return `${step.service}: remove ${ordinalOf(step.replica)}`;
    case "removeResources":
      return step.volumes ? "remove networks, addresses and volumes" : "remove networks and addresses";
    default:
      return assertNever(step);
  }
}

function traffic(targets: readonly { replica: string; weight: number }[]): string {
  const total = targets.reduce((sum, target) => sum + target.weight, 0);
  if (total === 0) return "take out of traffic";
  const shares = targets
    .filter((target) => target.weight > 0)
    .map((target) => `${Math.round((100 * target.weight) / total)} % to ${shortReplica(target.replica)}`);
  return shares.length === 1 ? `all traffic to ${shares[0]?.split(" to ")[1]}` : shares.join(", ");
}

function ordinalOf(replica: string): string {
  return `replica ${shortReplica(replica)}`;
}

/** Revision (6 digits) and ordinal of a replica id, enough to tell replicas of one service apart. */
export function shortReplica(replica: string): string {
  const match = /-([0-9a-f]{6,})-(\d+)$/.exec(replica);
  return match ? `${match[1]?.slice(0, 6)}-${match[2]}` : replica;
}
