import type { CauseFacts } from "../policy/incident-cause.ts";
import type { HealthChange } from "../reconciler/health-news.ts";
import type { Scope } from "../rollout/ids.ts";
import type { RecoveryParts } from "./parts.ts";

const units: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** How bad it is, from the share of the service's replicas that had traffic. */
export function impactOf({ store }: RecoveryParts, { scope, service }: HealthChange): string {
  const targets = store.scopes.get(scope)?.routing[service]?.targets ?? [];
  const serving = targets.filter(({ weight }) => weight > 0).length;
  if (targets.length === 0) return `${service} does not run`;
  if (serving <= 1) return `Requests to ${service} failing (100% error rate)`;
  return `1 of ${serving} replicas of ${service} failing; the others serve`;
}

/** What may have caused it. */
export function causeFacts(parts: RecoveryParts, change: HealthChange): CauseFacts {
  const { scope, service, at, ended, reason, oomKilled, exitCode } = change;
  const [latest] = parts.store.deployments
    .list(scope, 20)
    .filter(({ finishedAt }) => finishedAt !== undefined && finishedAt <= at);
  const release = latest?.release && parts.store.releases.get(latest.release);
  const limit = memoryLimit(parts, scope, service);
  const fullest = parts.disk?.();
  return {
    service,
    at,
    oomKilled,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(limit === undefined ? {} : { memoryLimitBytes: limit }),
    ...(fullest ? { disk: fullest } : {}),
    ...(ended ? {} : { probe: parts.mask(scope, reason) }),
    ...(latest && latest.kind !== "restart"
      ? {
          deployment: {
            kind: latest.kind,
            at: latest.finishedAt ?? latest.createdAt,
            by: latest.requestedBy,
            ...(release ? { release: `v${release.number}` } : {}),
          },
        }
      : {}),
  };
}

function memoryLimit({ stackOf }: RecoveryParts, scope: Scope, service: string): number | undefined {
  const compose = stackOf(scope)?.services.find(({ name }) => name === service)?.compose;
  const text = compose?.deploy?.resources?.limits?.memory ?? compose?.mem_limit;
  const match = /^(\d+(?:\.\d+)?)\s*([bkmg])?b?$/i.exec(String(text ?? ""));
  if (!match) return undefined;
  return Math.round(Number(match[1]) * (units[(match[2] ?? "b").toLowerCase()] ?? 1));
}
