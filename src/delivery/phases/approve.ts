import { formatSeconds } from "../../lib/duration.ts";
import { type ApprovalRule, refusalOf, waitingSince } from "../../policy/approval.ts";
import type { Actor } from "../../reconciler/engine.ts";
import { DeliveryError } from "../errors.ts";
import { gateSettings } from "../gate-settings.ts";
import type { Phase, PhaseOutcome, RunWorld } from "../phase.ts";
import type { Approval, Run, RunControl } from "../run.ts";

/** Kept with the run: what was asked then holds, whatever the next commit says. */
type Asked = { rule: ApprovalRule; askedAt: number; reminders: number };

/** Waits until somebody who may says yes or no, reminds on the way, and gives up at the set time. */
export const approvePhase: Phase = {
  name: "approve",
  async run(world) {
    const { run, parts, progress, save, book, control } = world;
    if (run.checksOnly) return { kind: "skipped", detail: "checks only" };
    const known = book.get(run.id)?.approval;
    if (known) return approved(known);
    const asked = (progress as Asked | undefined) ?? (await ask(world));
    if (!asked) return { kind: "skipped", detail: `${run.scope.environment} needs no approval` };
    const now = parts.clock.now();
    const decision = control();
    if (decision?.kind === "approve" || decision?.kind === "reject") {
      const outcome = decide(world, { asked, decision, now });
      if (outcome) return outcome;
    }
    const waiting = waitingSince(asked.rule, asked.askedAt, now);
    if (waiting.kind === "timedOut") throw timedOut(world, asked);
    const remind = waiting.reminders > asked.reminders;
    save({ ...asked, reminders: waiting.reminders });
    return {
      kind: "waiting",
      detail: words(asked.rule, waiting.reminders),
      againMs: waiting.againMs,
      remind,
    };
  },
};

/** Refuses a decision by somebody who may not make it, before it is kept. */
export function assertMayDecide(
  run: Run,
  kind: "approve" | "reject",
  { name: by, aliases = [] }: Pick<Actor, "name" | "aliases">,
): void {
  const asked = run.phases.find(({ name }) => name === "approve")?.progress as Asked | undefined;
  const refusal = asked && refusalOf(asked.rule, { kind, by, aliases }, run);
  if (refusal !== undefined) throw new DeliveryError("DELIVERY_APPROVAL_REFUSED", refusal);
}

async function ask({ run, parts, say, save, gathered }: RunWorld): Promise<Asked | undefined> {
  const { approval } = await gateSettings({ run, gathered });
  if (!approval) return undefined;
  const asked = { rule: approval, askedAt: parts.clock.now(), reminders: 0 };
  save(asked);
  say(`• ${words(approval, 0)}: roadstead approve ${run.id}`);
  return asked;
}

function decide(
  { run, book, say, parts }: RunWorld,
  { asked, decision, now }: { asked: Asked; decision: RunControl; now: number },
): PhaseOutcome | undefined {
  const { kind, by, reason, aliases = [] } = decision;
  const refusal =
    kind === "abort" || kind === "override" ? undefined : refusalOf(asked.rule, { kind, by, aliases }, run);
  if (refusal !== undefined) {
    say(`• refused: ${refusal}`);
    book.update(run.id, ({ control: _refused, ...rest }) => rest);
    return undefined;
  }
  const waitedMs = now - asked.askedAt;
  if (kind === "reject") {
    const why = reason === "" ? "" : `: ${reason}`;
    const after = formatSeconds(waitedMs / 1000);
    throw new DeliveryError("DELIVERY_REJECTED", `rejected by ${by} after ${after}${why}`);
  }
  const approval: Approval = { by, reason, at: now, waitedMs };
  // At once with the end of the wish: a wait further on must not take it for its own.
  book.update(run.id, ({ control: _used, ...rest }) => ({ ...rest, approval }));
  parts.log("info", `run ${run.id} approved`, { by, waitedMs });
  return approved(approval);
}

function approved({ by, reason, waitedMs }: Approval): PhaseOutcome {
  const why = reason === "" ? "" : `: ${reason}`;
  return { kind: "done", detail: `approved by ${by} after ${formatSeconds(waitedMs / 1000)}${why}` };
}

function timedOut({ run, parts }: RunWorld, { rule }: Asked): DeliveryError {
  const within = formatSeconds(rule.timeoutMs / 1000);
  parts.store.audit.append({
    at: parts.clock.now(),
    actor: "roadstead",
    action: "run.approvalTimedOut",
    target: run.id,
    detail: { within, approvers: rule.approvers },
  });
  return new DeliveryError("DELIVERY_REJECTED", `nobody approved it within ${within}`);
}

function words(rule: ApprovalRule, reminders: number): string {
  const again = reminders === 0 ? "" : ` (reminder ${reminders})`;
  return `${approvalText(rule)}${again}`;
}

/** Whose word is waited for. */
export function approvalText({ approvers, fourEyes }: ApprovalRule): string {
  const whom = approvers.length === 0 ? "" : ` by ${approvers.join(" or ")}`;
  const eyes = fourEyes ? ", not by who brought the change" : "";
  return `waits for approval${whom}${eyes}`;
}
