import type { Incident } from "../../policy/incident-record.ts";
import type { ScopeStatus, ServiceStatus } from "../../reconciler/engine.ts";
import { type Scope, scopeKey } from "../../rollout/ids.ts";
import { audited } from "../audited.ts";
import { chartStepMs, dayMs, mean, type Ranges } from "../board/measured.ts";
import { type PublicStatus, type StatusSettings, statusPageEndpoints } from "../contract/status-page.ts";
import { apiError } from "../errors.ts";
import type { Router } from "../route.ts";

const collection = "statusPage";
const key = "settings";
const off: StatusSettings = { enabled: false, title: "Status", scopes: [] };
/** Strangers may ask as often as they like: the services are looked at this often. */
const keptMs = 10_000;
const keptDays = 90;
const incidentDays = 14;
const listed = 200;

type State = PublicStatus["state"];

/** What each state of a service is called before strangers: no cause, no number, no name of a replica. */
const states: Readonly<Record<ServiceStatus["state"], State>> = {
  healthy: "up",
  completed: "up",
  degraded: "warn",
  starting: "warn",
  down: "down",
  stopped: "down",
  "crash-looping": "down",
  unknown: "unknown",
};
const gravest: readonly State[] = ["down", "warn", "unknown", "up"];

export function statusPageRoutes(router: Router): void {
  const { store, engine, clock, telemetry, recovery } = router.parts;
  const settings = () => store.records.get<StatusSettings>(collection, key) ?? off;
  let kept: { until: number; answer: Promise<PublicStatus> } | undefined;

  router.answer(statusPageEndpoints.public, () => {
    const present = settings();
    if (!present.enabled) throw apiError("API_NOT_FOUND", "there is no public status page");
    const now = clock.now();
    if (!kept || kept.until <= now) {
      const answer = engine.list().then((scopes) =>
        publicStatus(present, {
          scopes,
          now,
          ranges: telemetry,
          incidents: recovery.recovery.book.list(listed),
        }),
      );
      kept = { until: now + keptMs, answer };
      // A failure is not kept: the next one who asks looks again.
      answer.catch(() => {
        kept = undefined;
      });
    }
    return kept.answer;
  });

  router.answer(statusPageEndpoints.settings, settings);

  router.answer(statusPageEndpoints.save, ({ body, actor }) =>
    audited(router.parts, { by: actor(), action: "statusPage.save", target: "status page" }, (detail) => {
      detail({ before: settings(), after: body });
      store.records.put<StatusSettings>(collection, key, body);
      kept = undefined;
      return body;
    }),
  );
}

type Facts = {
  scopes: readonly ScopeStatus[];
  now: number;
  ranges: Ranges;
  incidents: readonly Incident[];
};

/** Only what faces visitors: workers and databases are nobody's business. */
function publicStatus({ title, scopes: shown }: StatusSettings, facts: Facts): PublicStatus {
  const stacks = facts.scopes
    .filter(({ scope }) => shown.includes(scopeKey(scope)))
    .map(({ scope, services }) => {
      const routed = services.filter(({ urls }) => urls.length > 0);
      const days = workedBy(facts, { scope, routed, ms: keptDays * dayMs });
      const last = mean(workedBy(facts, { scope, routed, ms: dayMs }).map(({ share }) => share));
      return {
        name: nameOf(scope),
        ...(last === undefined ? {} : { availability: last }),
        components: routed.map(({ name, state }) => ({ name, state: states[state] })),
        days,
      };
    });
  const all = stacks.flatMap(({ components }) => components.map(({ state }) => state));
  const state = gravest.find((one) => all.includes(one)) ?? "unknown";
  return { title, at: facts.now, state, stacks, incidents: incidentsOf(shown, facts) };
}

function nameOf({ stack, environment }: Scope): string {
  return environment === "production" ? stack : `${stack} (${environment})`;
}

/** The mean of the services that visitors see, by day; of the last day by five minutes. */
function workedBy(
  { now, ranges }: Facts,
  { scope, routed, ms }: { scope: Scope; routed: ScopeStatus["services"]; ms: number },
): { at: number; share: number }[] {
  const match = { scope: scopeKey(scope) };
  const step = ms > dayMs ? dayMs : chartStepMs;
  const names = new Set(routed.map(({ name }) => name));
  const byTime = new Map<number, number[]>();
  for (const series of ranges.range({
    ...{ metric: "service.up" as const, match, groupBy: ["service"] },
    ...{ from: now - ms, to: now + 1, step },
  })) {
    if (series.kind !== "gauge" || !names.has(series.labels["service"] ?? "")) continue;
    for (const { at, avg } of series.points) byTime.set(at, [...(byTime.get(at) ?? []), avg]);
  }
  return [...byTime].sort(([a], [b]) => a - b).map(([at, shares]) => ({ at, share: mean(shares) ?? 0 }));
}

/** That there was one, and how long: nothing of its cause; of a breach nothing at all. */
function incidentsOf(shown: readonly string[], { incidents, now }: Facts): PublicStatus["incidents"] {
  return incidents.flatMap(({ incident, scope, drill, startedAt, resolvedAt }) => {
    if (incident === "security" || drill !== undefined || startedAt < now - incidentDays * dayMs) return [];
    if (scope && !shown.includes(scopeKey(scope))) return [];
    return [
      {
        ...(scope === undefined ? {} : { stack: nameOf(scope) }),
        ...(resolvedAt === undefined ? {} : { resolvedAt }),
        kind: incident,
        startedAt,
      },
    ];
  });
}
