import { maySomewhere } from "../../policy/permissions.ts";
import type { Scope } from "../../rollout/ids.ts";
import { isMetricName, type MetricName } from "../../telemetry/metrics.ts";
import type { Labels } from "../../telemetry/port.ts";
import { openMetricsType } from "../../watch/open-metrics.ts";
import { sees } from "../auth/access.ts";
import type { Guard } from "../auth/guard.ts";
import { telemetryEndpoints } from "../contract/telemetry.ts";
import { apiError } from "../errors.ts";
import { isSecure, type Router } from "../route.ts";

export function telemetryRoutes(router: Router, guard: Guard): void {
  const { telemetry, openMetrics, slowQueries } = router.parts;

  router.answer(telemetryEndpoints.range, ({ query, sees, may }) => {
    const { metric, groupBy, ...rest } = query;
    // The scope has to stay apart while it is decided what the caller may see.
    const hidden = groupBy !== undefined && !groupBy.includes("scope") && !may("read", {});
    if (hidden && rest.match?.["scope"] === undefined)
      throw apiError("API_FORBIDDEN", "add `scope` to groupBy, or match one scope");
    if (rest.match?.["scope"] !== undefined && !isVisible(rest.match, sees)) return { series: [] };
    const series = telemetry.range({ metric: known(metric), ...rest, ...(groupBy ? { groupBy } : {}) });
    return { series: series.filter(({ labels }) => isVisible(labels, sees)) };
  });

  router.answer(telemetryEndpoints.latest, ({ query, sees }) => ({
    values: telemetry
      .latest({ ...query, metric: known(query.metric) })
      .filter(({ labels }) => isVisible(labels, sees)),
  }));

  router.answer(telemetryEndpoints.slowQueries, ({ sees }) => ({
    queries: slowQueries.list().filter(({ scope }) => sees(scope)),
  }));

  router.app.get(
    "/metrics",
    { config: { access: { needs: "read" } }, exposeHeadRoute: false },
    async (request, reply) => {
      const identity = guard.authenticate(
        { headers: request.headers, address: request.ip, secure: isSecure(request) },
        "read",
      );
      if (!maySomewhere(identity.grants, "read")) throw apiError("API_FORBIDDEN", "this needs read");
      const text = openMetrics.text((scope) => isVisible({ scope }, (target) => sees(identity, target)));
      return reply.type(openMetricsType).send(text);
    },
  );
}

function known(metric: string): MetricName {
  if (isMetricName(metric)) return metric;
  throw apiError("API_NOT_FOUND", `there is no metric ${metric}`, {
    hint: "GET /metrics names those that are measured.",
  });
}

function isVisible(labels: Labels, sees: (scope: Scope) => boolean): boolean {
  const [stack = "", environment = ""] = labels["scope"]?.split("/") ?? [];
  return stack === "" || sees({ stack, environment });
}
