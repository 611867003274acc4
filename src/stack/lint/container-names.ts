import { composeServices, type LintRule } from "./rule.ts";

/** One container name cannot be given to several replicas. */
export const containerNames: LintRule = (context, tell) => {
  for (const [name, compose, { replicas }] of composeServices(context)) {
    if (compose.container_name === undefined || replicas <= 1) continue;
    tell("error", "CONTAINER_NAME_NOT_UNIQUE", {
      path: `services.${name}.container_name`,
      message: `${replicas} replicas cannot share the name ${compose.container_name}`,
      fix: "remove container_name; peers use the service name",
    });
  }
};
