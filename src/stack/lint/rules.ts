import { tellInto } from "../facts.ts";
import type { Problem } from "../problem.ts";
import type { Locate } from "../problem-at.ts";
import { overdrawnBudgets } from "./connection-budgets.ts";
import { containerNames } from "./container-names.ts";
import { emptyPasswords } from "./empty-passwords.ts";
import { engineSocket } from "./engine-socket.ts";
import { hostPorts } from "./host-ports.ts";
import { inertSettings } from "./inert-settings.ts";
import { localhostAddresses } from "./localhost-addresses.ts";
import { missingCheckTools } from "./missing-check-tools.ts";
import { missingSecrets } from "./missing-secrets.ts";
import { movingTags } from "./moving-tags.ts";
import { privileges } from "./privileges.ts";
import { publishedDatabases } from "./published-databases.ts";
import type { LintContext, LintRule } from "./rule.ts";
import { shellOperators } from "./shell-operators.ts";
import { unauthenticatedChecks } from "./unauthenticated-checks.ts";
import { unprobedDependencies } from "./unprobed-dependencies.ts";
import { unsupportedKeys } from "./unsupported-keys.ts";

/** Every rule; a new one is a file beside this one and a line here. */
export const lintRules: readonly LintRule[] = [
  unsupportedKeys,
  shellOperators,
  localhostAddresses,
  missingCheckTools,
  unauthenticatedChecks,
  missingSecrets,
  emptyPasswords,
  hostPorts,
  publishedDatabases,
  engineSocket,
  privileges,
  movingTags,
  containerNames,
  unprobedDependencies,
  inertSettings,
  overdrawnBudgets,
];

/** What is valid Compose but would fail, or be unsafe, once it runs. */
export function lintStack(context: LintContext, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const tell = tellInto(problems, locate);
  for (const rule of lintRules) rule(context, tell);
  return problems;
}
