import type { IncidentClass } from "./alert-rule.ts";
import { type RecoveryNode, recoveryTree } from "./recovery-tree.ts";

/** One step of the tree for people: what would be done, and where each answer leads. */
export type PlannedStep = {
  id: string;
  kind: RecoveryNode["kind"];
  text: string;
  command?: string;
  limitSeconds?: number;
  yes?: string;
  no?: string;
  next?: string;
  failed?: string;
};

/** The whole branch, in the order of its YES path first: what `--dry-run` prints. */
export function plannedSteps(incident: IncidentClass): PlannedStep[] {
  return recoveryTree[incident].nodes.map((node) => {
    const { id, kind, text } = node;
    if (node.kind === "end") return { id, kind, text };
    const { command, limitSeconds } = node;
    const ways =
      node.kind === "question" ? { yes: node.yes, no: node.no } : { next: node.next, failed: node.failed };
    return { id, kind, text, command, limitSeconds, ...ways };
  });
}
