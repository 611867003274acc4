import type { ServiceFacts } from "./facts.ts";
import { httpPorts } from "./infer-ports.ts";
import type { ServiceKind } from "./stack.ts";

/** Health checks that only a database's own image can run. */
const databaseTools =
  /^(pg_isready|redis-cli|valkey-cli|mongosh|mongo|mysqladmin|mariadb-admin|healthcheck\.sh|cqlsh|rabbitmq-diagnostics)$/;

/**
 * What a service is: what the file says; a static site if it has one; a job if others wait for its end or Swarm calls
 * it one; a database by its image or health check; web if anything about it speaks HTTP; else a worker.
 */
export function inferKind(facts: ServiceFacts): ServiceKind {
  const { settings, compose } = facts;
  if (settings.kind !== undefined) return settings.kind;
  if (settings.site !== undefined) return "static";
  if (facts.awaitedToEnd || /-job$/.test(compose.deploy?.mode ?? "")) return "job";
  if (settings.routes !== undefined && settings.routes.length > 0) return "web";
  if (facts.family?.database || databaseTools.test(checkTool(facts))) return "database";
  const http = settings.health?.http !== undefined || facts.healthCommand?.kind === "http";
  return http || httpPorts(facts).length > 0 ? "web" : "worker";
}

function checkTool({ healthCommand }: ServiceFacts): string {
  return healthCommand?.kind === "exec" ? healthCommand.tool : "";
}
