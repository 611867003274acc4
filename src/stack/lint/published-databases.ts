import type { LintRule } from "./rule.ts";

/** Host ports of databases are for development: in production the stack's own network is the only way in. */
export const publishedDatabases: LintRule = (context, tell) => {
  if (context.stack.environment !== "production") return;
  for (const service of context.stack.services) {
    const published = service.ports.find((port) => port.published)?.published;
    if (service.kind !== "database" || !published) continue;
    tell("error", "DATABASE_PUBLISHED", {
      path: `services.${service.name}.ports`,
      message: `${service.name} is a database, but would be reachable on ${published.hostIp}:${published.port} in production`,
      fix: "remove the port; peers reach it by its service name. Keep it in a file for development, or deploy with another --env",
    });
  }
};
