import type { PlanNote } from "../rollout/step.ts";
import { budgetText, connectionBudgets } from "../stack/connection-budget.ts";
import type { Stack } from "../stack/stack.ts";

/** What of a database's connections a rollout may need, said before it begins. */
export function connectionNotes(stack: Stack): PlanNote[] {
  return connectionBudgets(stack).map((budget) => {
    const { database, available, needed } = budget;
    const sum = `${needed} of ${available} connections (${budgetText(budget)})`;
    const severity = needed > available ? "warning" : "info";
    return { severity, service: database, message: `a rollout may open ${sum}` };
  });
}
