import { type FreezeRecord, freezes, putFreeze, removeFreeze } from "../../delivery/freeze.ts";
import type { Run, RunId } from "../../delivery/run.ts";
import { lastScan } from "../../delivery/scan-book.ts";
import { type Rollout, timelineOf } from "../../delivery/timeline.ts";
import { describeFinding } from "../../policy/scan-verdict.ts";
import { smokeWrong } from "../../reconciler/steps/judge.ts";
import { type DeploymentId, scopeKey } from "../../rollout/ids.ts";
import type { Service } from "../../stack/stack.ts";
import { audited } from "../audited.ts";
import { gateEndpoints } from "../contract/gates.ts";
import { apiError } from "../errors.ts";
import type { ApiParts } from "../parts.ts";
import type { Router } from "../route.ts";
import { viewRun } from "../run-events.ts";

const smokeLimitMs = 10_000;
const journalLimit = 10_000;

export function gateRoutes(router: Router): void {
  const { parts } = router;
  const { store, delivery, clock, ids } = parts;

  router.answer(gateEndpoints.freezes, ({ sees }) => ({ freezes: freezes(store).filter(sees) }));

  router.answer(gateEndpoints.freeze, ({ body, actor, demand }) => {
    demand(body);
    const by = actor(body.reason);
    const freeze: FreezeRecord = {
      ...body,
      reason: by.reason,
      id: ids.next("freeze"),
      by: by.name,
      at: clock.now(),
    };
    return audited(parts, { by, action: "freeze.on", target: targetOf(freeze) }, (detail) => {
      detail({ freeze: freeze.id, ...(body.until === undefined ? {} : { until: body.until }) });
      putFreeze(store, freeze);
      return freeze;
    });
  });

  router.answer(gateEndpoints.unfreeze, ({ params, actor }) => {
    const freeze = freezes(store).find(({ id }) => id === params.id);
    if (!freeze) throw apiError("API_NOT_FOUND", `there is no freeze ${params.id}`);
    return audited(parts, { by: actor(), action: "freeze.off", target: targetOf(freeze) }, (detail) => {
      detail({ freeze: freeze.id });
      removeFreeze(store, freeze.id);
      return freeze;
    });
  });

  router.answer(gateEndpoints.override, ({ params, body, actor }) => {
    const by = actor(body.reason);
    const { id } = known(parts, params.id);
    return audited(parts, { by, action: "run.override", target: id }, () =>
      viewRun(delivery.override(id, by)),
    );
  });

  router.answer(gateEndpoints.timeline, ({ params }) => {
    const run = known(parts, params.id);
    return { run: run.id, rows: timelineOf({ run, ...rolloutsOf(parts, run), now: clock.now() }) };
  });

  router.answer(gateEndpoints.scan, ({ params }) => {
    const scan = lastScan(store, params);
    if (!scan)
      throw apiError("API_NOT_FOUND", `${scopeKey(params)} was not scanned yet`, {
        hint: "Each run scans; `roadstead push` or `roadstead pipeline start` begins one.",
      });
    const { run, commit, at, notes } = scan;
    return {
      run,
      commit,
      at,
      notes,
      findings: scan.findings.map(({ finding, verdict, note }) => ({
        kind: finding.kind,
        verdict,
        text: describeFinding(finding),
        ...(note === undefined ? {} : { note }),
      })),
      images: scan.images.map(({ service, digest, report }) => ({ service, digest, bytes: report.bytes })),
    };
  });

  router.answer(gateEndpoints.smoke, async ({ params }) => {
    const current = store.scopes.get(params)?.current;
    const release = current && store.releases.get(current);
    const stack = release && parts.resolve(release.bundle, params.environment).stack;
    if (!release || !stack) throw apiError("API_NOT_FOUND", `nothing serves in ${scopeKey(params)}`);
    const checks = [];
    for (const service of stack.services)
      for (const check of service.smoke) checks.push(await ask(parts, service, check));
    return { release: release.number, ok: checks.every(({ ok }) => ok), checks };
  });
}

async function ask(parts: ApiParts, service: Service, check: Service["smoke"][number]) {
  const host = service.routes[0]?.host ?? service.name;
  const began = parts.clock.now();
  const facts = {
    service: service.name,
    request: `${check.method} http://${host}${check.path}`,
    expected: check.status,
  };
  try {
    const answer = await parts.request(check, host, AbortSignal.timeout(smokeLimitMs));
    const wrong = smokeWrong(check, answer);
    const durationMs = parts.clock.now() - began;
    return {
      ...facts,
      status: answer.status,
      durationMs,
      ok: wrong === undefined,
      ...(wrong ? { message: wrong } : {}),
    };
  } catch {
    return { ...facts, durationMs: parts.clock.now() - began, ok: false, message: "no answer" };
  }
}

function rolloutsOf(
  { store }: ApiParts,
  run: Run,
): { staging?: Rollout; production?: Rollout; warmUntil?: number } {
  const rollout = (id: DeploymentId | undefined): Rollout | undefined => {
    const deployment = id && store.deployments.get(id);
    return deployment && { deployment, journal: store.deployments.journal(deployment.id, 0, journalLimit) };
  };
  const [staging, production] = [rollout(run.staging), rollout(run.deployment)];
  const warm = store.scopes.get(run.scope)?.warm ?? [];
  const until = warm.find(({ release }) => release === production?.deployment.previous)?.until;
  return {
    ...(staging ? { staging } : {}),
    ...(production ? { production } : {}),
    ...(until === undefined ? {} : { warmUntil: until }),
  };
}

function targetOf({ stack, environment }: { stack?: string; environment?: string }): string {
  return `${stack ?? "*"}/${environment ?? "*"}`;
}

function known({ delivery }: ApiParts, id: string): Run {
  const run = delivery.book.get(id as RunId);
  if (!run) throw apiError("API_NOT_FOUND", `there is no run ${id}`);
  return run;
}
