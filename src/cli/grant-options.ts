import type { GrantView } from "../api/contract/access.ts";
import { roles } from "../policy/permissions.ts";
import type { Invocation, OptionSpec } from "./define-command.ts";

/** `--role` where it counts: `--stack` and `--env` narrow it; neither is everywhere. */
export const grantOptions: readonly OptionSpec[] = [
  { flags: "--role <role>", description: "what may be done there", choices: [...roles] },
  { flags: "-s, --stack <stack>", description: "on this stack only; with --env, in that environment only" },
];

/** The place that was named. */
export function placeOf({ options, settings }: Invocation): Omit<GrantView, "role"> {
  const stack = options.text("stack");
  return {
    ...(stack === undefined ? {} : { stack }),
    ...(settings.environmentNamed ? { environment: settings.environment } : {}),
  };
}

/** The grant that was asked for; undefined without `--role`. */
export function grantOf(invocation: Invocation): GrantView | undefined {
  const role = roles.find((one) => one === invocation.options.text("role"));
  return role && { role, ...placeOf(invocation) };
}

export function grantText({ role, stack, environment }: GrantView): string {
  if (stack === undefined && environment === undefined) return `${role} everywhere`;
  return `${role} on ${stack ?? "*"}/${environment ?? "*"}`;
}

export function samePlace(one: Omit<GrantView, "role">, other: Omit<GrantView, "role">): boolean {
  return one.stack === other.stack && one.environment === other.environment;
}
