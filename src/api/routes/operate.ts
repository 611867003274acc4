import { PlatformError } from "../../lib/platform-error.ts";
import type { ReplicaId, Scope } from "../../rollout/ids.ts";
import type { LogQuery } from "../../runtime/port.ts";
import { operateEndpoints } from "../contract/operate.ts";
import type { ApiParts } from "../parts.ts";
import type { Router } from "../route.ts";
import { steer } from "../steer.ts";

const statsLimitMs = 10_000;

export function operateRoutes(router: Router): void {
  const { parts } = router;
  const { engine, runtime, clock, variables } = parts;

  for (const action of ["restart", "stop", "start"] as const)
    router.answer(operateEndpoints[action], ({ params, body, actor }) => {
      const by = actor(body.reason);
      return steer(parts, { by, action, scope: params }, () => engine[action](params, body.services, by));
    });

  router.answer(operateEndpoints.scale, ({ params, body, actor }) => {
    const by = actor(body.reason);
    return steer(parts, { by, action: "scale", scope: params }, () =>
      engine.scale(params, body.replicas, by),
    );
  });

  router.stream(operateEndpoints.logs, async ({ params, query }) => {
    const { stack, environment } = params;
    await assertKnown(parts, params, query.services ?? []);
    const wanted: LogQuery = {
      scope: { stack, environment },
      follow: query.follow,
      ...(query.services === undefined || query.services.length === 0 ? {} : { services: query.services }),
      ...(query.replica === undefined ? {} : { replica: query.replica as ReplicaId }),
      ...(query.tail === undefined ? {} : { tail: query.tail }),
      ...(query.since === undefined ? {} : { since: query.since }),
    };
    return async function* lines(signal) {
      for await (const item of runtime.logs(wanted, signal))
        yield { item: { ...item, text: variables.masks.mask(wanted.scope, item.text) } };
    };
  });

  router.answer(operateEndpoints.stats, async ({ params }) => {
    await assertKnown(parts, params, []);
    const replicas = await runtime.stats(params, AbortSignal.timeout(statsLimitMs));
    return { at: clock.now(), replicas };
  });
}

/** Refuses an unknown stack, as the engine does, and unknown services. */
export async function assertKnown(
  { engine }: Pick<ApiParts, "engine">,
  scope: Scope,
  services: readonly string[],
): Promise<void> {
  const status = await engine.status(scope);
  const names = status.services.map((service) => service.name);
  const unknown = services.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new PlatformError("ENGINE_SERVICE_UNKNOWN", `${scope.stack} has no service ${unknown}`, {
      hint: `It has: ${names.join(", ")}.`,
    });
}
