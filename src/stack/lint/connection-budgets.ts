import { budgetText, connectionBudgets } from "../connection-budget.ts";
import type { LintRule } from "./rule.ts";

/** While old and new release run side by side, their pools together must fit the database. */
export const overdrawnBudgets: LintRule = ({ stack }, tell) => {
  for (const budget of connectionBudgets(stack)) {
    const { database, available, needed } = budget;
    if (needed <= available) continue;
    tell("error", "CONNECTIONS_EXCEEDED", {
      path: `services.${database}`,
      message: `a rollout may open ${needed} connections to ${database}, which gives ${available}: ${budgetText(budget)} (pool × replicas × releases side by side)`,
      fix: "make the pools smaller, raise max_connections, or use a strategy that replaces instead of running twice",
    });
  }
};
