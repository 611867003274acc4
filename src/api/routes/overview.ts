import { availableParallelism } from "node:os";
import { subjectName } from "../../policy/alert-rule.ts";
import { incidentTitle } from "../../policy/incident-message.ts";
import type { Deployment } from "../../store/port.ts";
import { type BoardFacts, buildBoard, scopeOf } from "../board/board.ts";
import { dayMs } from "../board/measured.ts";
import { overviewEndpoints } from "../contract/overview.ts";
import type { Router } from "../route.ts";

/** As far back as the last deploys and the chart's markers are looked for. */
const searched = 500;

export function overviewRoutes(router: Router): void {
  const { store, engine, clock, alerts, telemetry, recovery } = router.parts;

  router.answer(overviewEndpoints.overview, async ({ sees }) => {
    const now = clock.now();
    const seesSubject = ({ scope }: { scope?: string }) => sees(scopeOf(scope) ?? {});
    return buildBoard({
      now,
      ranges: telemetry,
      cores: availableParallelism(),
      scopes: (await engine.list()).filter(({ scope }) => sees(scope)),
      alerts: alerts.alerting.active().filter(({ subject }) => seesSubject(subject)),
      deployments: store.deployments
        .list("all", searched)
        .filter((deployment) => sees(deployment.scope))
        .flatMap(shown),
      pastAlerts: alerts.alerting.book
        .history({ from: now - dayMs, to: now, limit: 100 })
        .filter(({ subject }) => seesSubject(subject))
        .map(({ subject, firedAt, message }) => ({
          ...(subject.scope === undefined ? {} : { scope: subject.scope }),
          at: firedAt,
          text: `${subjectName(subject)}: ${message}`,
        })),
      // A drill's is no trouble of the day.
      incidents: recovery.recovery.book
        .list(searched)
        .filter(({ scope, drill }) => drill === undefined && sees(scope ?? {}))
        .map((incident) => ({
          ...(incident.scope === undefined ? {} : { scope: incident.scope }),
          at: incident.startedAt,
          text: incidentTitle(incident),
        })),
    });
  });

  /** Only what made another release current. */
  function shown({ id, scope, kind, state, release, finishedAt }: Deployment): BoardFacts["deployments"] {
    if (state !== "succeeded" || (kind !== "deploy" && kind !== "rollback")) return [];
    const made = release === undefined ? undefined : store.releases.get(release);
    if (!made || finishedAt === undefined) return [];
    const text = `${kind} of ${scope.stack} v${made.number}`;
    return [{ id, scope, at: finishedAt, release: made.id, number: made.number, text }];
  }
}
