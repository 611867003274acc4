import type { ApprovalRule } from "../policy/approval.ts";
import type { WeeklyWindow } from "../policy/freeze.ts";
import type { Severity } from "../policy/scan-findings.ts";
import type { ComposeModel } from "../stack/compose-model.ts";
import { readSettings } from "../stack/x-roadstead.ts";
import type { StackSettings } from "../stack/x-roadstead-schema.ts";
import type { RunWorld } from "./phase.ts";

export type GateSettings = {
  /** Absent: nobody is asked. */
  approval?: ApprovalRule;
  /** Environments that get the same images first, in order. */
  before: readonly string[];
  threshold: Severity;
  scannerRequired: boolean;
  /** Empty: any time. */
  windows: readonly WeeklyWindow[];
  /** Service -> bytes that its image may have. */
  budgets: Readonly<Record<string, number>>;
};

const guarded = ["production"];
const defaultTimeoutSeconds = 72 * 3600;
const defaultRemindSeconds = 4 * 3600;

/** What the commit's own stack file says about the gates on its way to the run's environment. */
export async function gateSettings(world: Pick<RunWorld, "run" | "gathered">): Promise<GateSettings> {
  const { model } = await world.gathered();
  return gatesOf(model, world.run.scope.environment);
}

/** What a stack file says about the gates of one environment. */
export function gatesOf(model: ComposeModel | undefined, environment: string): GateSettings {
  const { stack, services } = model
    ? readSettings(model, environment, () => undefined)
    : { stack: {}, services: {} };
  const { approval, promote = [], scan } = stack.pipeline ?? {};
  const asked = approval && (approval.environments ?? guarded).includes(environment);
  const rule = asked && {
    approvers: approval.approvers ?? [],
    fourEyes: approval.fourEyes ?? false,
    timeoutMs: (approval.timeout ?? defaultTimeoutSeconds) * 1000,
    remindEveryMs: (approval.remindEvery ?? defaultRemindSeconds) * 1000,
  };
  return {
    ...(rule ? { approval: rule } : {}),
    before: promote.slice(0, Math.max(0, promote.indexOf(environment))),
    threshold: scan?.threshold ?? "HIGH",
    scannerRequired: scan?.required ?? false,
    windows: windowsOf(stack, environment),
    budgets: Object.fromEntries(
      Object.entries(services).flatMap(([name, { image }]) =>
        image?.maxSize === undefined ? [] : [[name, image.maxSize]],
      ),
    ),
  };
}

/** When a stack file lets something be rolled out in an environment; empty: any time. */
export function maintenanceWindows(
  model: ComposeModel | undefined,
  environment: string,
): readonly WeeklyWindow[] {
  return model ? windowsOf(readSettings(model, environment, () => undefined).stack, environment) : [];
}

function windowsOf({ pipeline }: StackSettings, environment: string): readonly WeeklyWindow[] {
  const { maintenance = [] } = pipeline ?? {};
  return maintenance.filter(({ environments = guarded }) => environments.includes(environment));
}
