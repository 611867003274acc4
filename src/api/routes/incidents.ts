import { nextRun } from "../../policy/backup-schedule.ts";
import { incidentMessage, incidentTitle, postMortem } from "../../policy/incident-message.ts";
import {
  checklistItems,
  checklistTexts,
  type Incident,
  openWork,
  recoveryTimes,
} from "../../policy/incident-record.ts";
import { plannedSteps } from "../../policy/recovery-plan.ts";
import { nodeOf, recoveryTree } from "../../policy/recovery-tree.ts";
import type { Actor } from "../../reconciler/engine.ts";
import type { Drill, DrillSchedule } from "../../recovery/drill-book.ts";
import { scopeKey } from "../../rollout/ids.ts";
import { audited } from "../audited.ts";
import {
  type DrillScheduleView,
  type DrillView,
  drillEndpoints,
  type IncidentView,
  incidentEndpoints,
} from "../contract/incidents.ts";
import type { Router } from "../route.ts";

/** As far back as a reader is looked for something that they may see. */
const searched = 1000;
const defaultEnvironment = "production";

export function incidentRoutes(router: Router): void {
  const { parts } = router;
  const { recovery, incidents } = parts.recovery;

  router.answer(incidentEndpoints.list, ({ query, sees }) => ({
    incidents: recovery.book
      .list(searched)
      .filter(({ scope }) => sees(scope ?? {}))
      .slice(0, query.limit)
      .map(viewIncident),
  }));

  const readable = (id: string, sees: (target: object) => boolean): Incident => {
    const incident = recovery.book.find(id);
    // What one may not see is not there.
    return incident && sees(incident.scope ?? {}) ? incident : recovery.book.get("");
  };

  router.answer(incidentEndpoints.get, ({ params, sees }) => viewIncident(readable(params.id, sees)));

  router.answer(incidentEndpoints.text, ({ params, sees }) => {
    const incident = readable(params.id, sees);
    return { message: incidentMessage(incident), postMortem: postMortem(incident) };
  });

  router.answer(incidentEndpoints.tree, () => ({
    branches: Object.values(recoveryTree).map(({ incident, title, rtoSeconds, rpoSeconds, automatic }) => ({
      kind: incident,
      title,
      automatic,
      rtoTarget: rtoSeconds,
      ...(rpoSeconds === undefined ? {} : { rpoTarget: rpoSeconds }),
      steps: plannedSteps(incident),
    })),
  }));

  router.answer(incidentEndpoints.open, ({ body, actor, demand }) => {
    const { kind, stack, environment = defaultEnvironment, ...rest } = body;
    const scope = stack === undefined ? undefined : { stack, environment };
    demand(scope ?? {});
    const by = actor();
    return audited(
      parts,
      { by, action: "incident.open", target: scope ? scopeKey(scope) : "host" },
      (detail) => {
        const opened = incidents.open({ incident: kind, ...rest, ...(scope ? { scope } : {}) }, by);
        detail({ incident: opened.id, kind });
        return viewIncident(opened);
      },
    );
  });

  type Change = {
    params: { id: string };
    actor: (reason?: string) => Actor;
    demand: (target: object) => void;
    sees: (target: object) => boolean;
  };
  const change = (
    { params, actor, demand, sees }: Change,
    action: string,
    work: (by: Actor) => Incident,
    reason = "",
  ) => {
    const { scope, id } = readable(params.id, sees);
    demand(scope ?? {});
    const by = actor(reason);
    return audited(parts, { by, action: `incident.${action}`, target: id }, () => viewIncident(work(by)));
  };

  router.answer(incidentEndpoints.recover, (call) =>
    change(call, "recover", (by) => incidents.recover(call.params.id, by, call.body)),
  );
  router.answer(incidentEndpoints.note, (call) =>
    change(call, "note", (by) => incidents.note(call.params.id, call.body, by)),
  );
  router.answer(incidentEndpoints.acknowledge, (call) =>
    change(call, "acknowledge", (by) => incidents.acknowledge(call.params.id, by)),
  );
  router.answer(incidentEndpoints.resolve, (call) =>
    change(call, "resolve", (by) => incidents.resolve(call.params.id, by), call.body.reason),
  );
  router.answer(incidentEndpoints.close, (call) =>
    change(call, "close", (by) => incidents.close(call.params.id, by)),
  );
}

export function drillRoutes(router: Router): void {
  const { parts } = router;
  const { drills } = parts.recovery;
  const now = () => parts.clock.now();

  router.answer(drillEndpoints.list, ({ query, sees }) => ({
    drills: drills.book
      .list(searched)
      .filter(({ scope }) => sees(scope))
      .slice(0, query.limit)
      .map(viewDrill),
    schedules: viewSchedules(drills.book.schedules(), now()).filter(({ scope }) => sees(scope)),
  }));

  router.answer(drillEndpoints.start, ({ params, body, actor }) => {
    const by = actor();
    return audited(parts, { by, action: "drill.start", target: scopeKey(params) }, (detail) => {
      const begun = drills.begin({ scope: params, ...body }, by);
      detail({ drills: begun.map(({ id }) => id), live: body.live });
      return { drills: begun.map(viewDrill) };
    });
  });

  router.answer(drillEndpoints.schedule, ({ params, body, actor }) => {
    const by = actor();
    return audited(parts, { by, action: "drill.schedule", target: scopeKey(params) }, (detail) => {
      detail(body);
      const all = drills.schedule({ scope: params, ...body });
      return {
        schedules: viewSchedules(all, now()).filter(({ scope }) => scopeKey(scope) === scopeKey(params)),
      };
    });
  });
}

export function viewIncident(incident: Incident): IncidentView {
  const { incident: kind, walk, facts, checklist, causes, calls: _calls, ...rest } = incident;
  const { rpoSeconds: _rpo, ...shown } = rest;
  const node = walk && nodeOf(recoveryTree[walk.branch], walk.node);
  return {
    ...shown,
    kind,
    title: incidentTitle(incident),
    times: recoveryTimes(incident),
    causes: causes.map(({ text, likelihood }) => ({ text, likelihood })),
    checklist: checklistItems.map((item) => {
      const done = checklist[item];
      return { item, text: checklistTexts[item], ...(done ? { done } : {}) };
    }),
    open: openWork(incident),
    ...(facts.evidence ? { evidence: facts.evidence } : {}),
    ...(walk && node
      ? {
          recovery: {
            step: walk.node,
            text: node.text,
            ...(walk.end === undefined ? {} : { end: walk.end }),
          },
        }
      : {}),
  };
}

function viewDrill({
  place: _place,
  phase: _phase,
  cleaned: _cleaned,
  deployment: _d,
  ...drill
}: Drill): DrillView {
  const { brokenAt: _at, service: _service, ...shown } = drill;
  return shown;
}

function viewSchedules(schedules: readonly DrillSchedule[], now: number): DrillScheduleView[] {
  return schedules.map(({ scope, cron, timeZone }) => {
    const nextAt = nextRun({ cron, timeZone }, now);
    return { scope, cron, timeZone, ...(nextAt === undefined ? {} : { nextAt }) };
  });
}
