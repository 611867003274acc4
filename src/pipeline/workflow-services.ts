import type { JobService, JobServiceKind } from "./pipeline.ts";
import { type Keys, mapping, scalar, type WorkflowSource } from "./workflow-source.ts";

const schemes: Readonly<Record<JobServiceKind, RegExp>> = {
  postgres: /^postgres(ql)?:\/\//,
  redis: /^rediss?:\/\//,
};
const usual: Readonly<Record<JobServiceKind, { variable: string; version: string }>> = {
  postgres: { variable: "DATABASE_URL", version: "17" },
  redis: { variable: "REDIS_URL", version: "7" },
};

/**
 * The `services` of a job. A server here has an address of its own for each run: the variable whose value is a URL of
 * that kind gets it in place of what is written; without one it is `DATABASE_URL` or `REDIS_URL`, and that is told.
 */
export function readServices(
  source: WorkflowSource,
  at: Keys,
  value: unknown,
  envs: readonly Readonly<Record<string, string>>[],
): JobService[] {
  const services: JobService[] = [];
  for (const [name, service] of Object.entries(mapping(value))) {
    const image = typeof service === "string" ? service : scalar(mapping(service)["image"]);
    const [, kind, version] = /(?:^|\/)(postgres|redis):?(\d+(?:\.\d+)*)?/.exec(image ?? "") ?? [];
    if (kind !== "postgres" && kind !== "redis") {
      source.tell([...at, name], `only postgres and redis are offered; ${image ?? name} is not started`);
      continue;
    }
    const own = envs.flatMap((env) => Object.keys(env).filter((key) => schemes[kind].test(env[key] ?? "")));
    if (own.length === 0)
      source.tell(
        [...at, name],
        `its address differs from run to run; the steps find it in ${usual[kind].variable}`,
      );
    for (const variable of own.length === 0 ? [usual[kind].variable] : new Set(own))
      services.push({ kind, version: version ?? usual[kind].version, variable });
  }
  return services;
}
