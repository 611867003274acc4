import { messageOf } from "../lib/platform-error.ts";
import { isDue, nextRun } from "../policy/backup-schedule.ts";
import { recoveryTimes } from "../policy/incident-record.ts";
import { recoveryTree } from "../policy/recovery-tree.ts";
import type { Actor } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Stack } from "../stack/stack.ts";
import type { Deployment, Release } from "../store/port.ts";
import { type Drill, DrillBook, type DrillSchedule } from "./drill-book.ts";
import { recoveryError } from "./errors.ts";
import type { Incidents } from "./incidents.ts";
import type { RecoveryParts } from "./parts.ts";
import type { Recovery } from "./recovery.ts";

const tickMs = 30_000;
const pollMs = 200;
const copyLimitMs = 10 * 60_000;
const cleanLimitMs = 5 * 60_000;
/** A rehearsal is over then at the latest, whatever the target. */
const recoverLimitMs = 30 * 60_000;
const self: Actor = { name: "roadstead", reason: "drill" };

export type DrillWish = {
  scope: Scope;
  branches: readonly Drill["branch"][];
  live: boolean;
  service?: string;
};

/** Rehearses branches for real, one drill at a time, each resumed where a killed control plane left it. */
export class Drills {
  readonly book: DrillBook;
  readonly #parts: RecoveryParts;
  readonly #recovery: Recovery;
  readonly #incidents: Incidents;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(parts: RecoveryParts, recovery: Recovery, incidents: Incidents) {
    this.#parts = parts;
    this.#recovery = recovery;
    this.#incidents = incidents;
    this.book = new DrillBook(parts.store);
    recovery.drillOf = (scope) => this.book.at(scope)?.id;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#loop;
  }

  /** Queues one drill for each branch. */
  begin({ scope, branches, live, service }: DrillWish, by: Actor): Drill[] {
    const { ids, clock, store, stackOf } = this.#parts;
    const stack = stackOf(scope);
    if (!stack) throw recoveryError("RECOVERY_NOT_POSSIBLE", `nothing runs in ${scopeKey(scope)}`);
    if (service !== undefined && !stack.services.some(({ name }) => name === service))
      throw recoveryError("RECOVERY_NOT_POSSIBLE", `${scopeKey(scope)} has no service ${service}`);
    if (live && branches.some((branch) => branch !== "service"))
      throw recoveryError("RECOVERY_NOT_POSSIBLE", "only a service crash is rehearsed on what is live");
    const begun = store.transaction(() =>
      branches.map((branch) => {
        const id = ids.next("drill");
        const { rtoSeconds: rtoTarget, rpoSeconds: rpoTarget } = recoveryTree[branch];
        const target = serviceFor(stack, branch, service);
        const environment = `drill-${id.replaceAll(/[^a-z0-9]/g, "").slice(-20)}`;
        return this.book.put({
          id,
          branch,
          scope,
          live,
          by: by.name,
          state: "running",
          phase: live ? "break" : "copy",
          place: live ? scope : { stack: scope.stack, environment },
          startedAt: clock.now(),
          rtoTarget,
          cleaned: live,
          ...(rpoTarget === undefined ? {} : { rpoTarget }),
          ...(target === undefined ? {} : { service: target }),
        });
      }),
    );
    this.#wake.abort();
    return begun;
  }

  schedule(schedule: Omit<DrillSchedule, "since">): DrillSchedule[] {
    const now = this.#parts.clock.now();
    if (schedule.cron === "") this.book.unschedule(schedule.scope);
    else {
      try {
        nextRun(schedule, now);
      } catch (error) {
        throw recoveryError("RECOVERY_NOT_POSSIBLE", `no schedule: ${messageOf(error)}`);
      }
      this.book.schedule({ ...schedule, since: now });
    }
    return this.book.schedules();
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      try {
        this.#queueDue();
        for (const { id } of this.book.list(50).reverse()) await this.#one(id, signal);
      } catch (error) {
        if (!signal.aborted) log("error", `drills: ${messageOf(error)}`);
      }
      await clock.sleep(tickMs, AbortSignal.any([signal, this.#wake.signal])).catch(() => undefined);
    }
  }

  #queueDue(): void {
    const now = this.#parts.clock.now();
    for (const schedule of this.book.schedules()) {
      if (!isDue(schedule, schedule.since, now)) continue;
      this.book.schedule({ ...schedule, since: now });
      if (!this.#parts.stackOf(schedule.scope)) continue;
      const branches = ["service", "database", "security"] as const;
      this.begin({ scope: schedule.scope, branches, live: false }, { name: "schedule", reason: "" });
    }
  }

  async #one(id: string, signal: AbortSignal): Promise<void> {
    if (this.book.get(id).state === "running") {
      try {
        await this.#rehearse(id, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        this.#end(id, { state: "failed", detail: messageOf(error) });
      }
    }
    const drill = this.book.get(id);
    if (!drill.cleaned) await this.#clean(drill, signal);
  }

  async #rehearse(id: string, signal: AbortSignal): Promise<void> {
    const drill = this.book.get(id);
    const why = this.#cannot(drill);
    if (why) {
      this.#end(id, why);
      return;
    }
    if (drill.phase === "copy") await this.#copy(drill, signal);
    if (this.book.get(id).phase === "break") await this.#break(this.book.get(id), signal);
    await this.#await(this.book.get(id), signal);
  }

  #cannot({ branch, service, scope }: Drill): Pick<Drill, "state" | "detail"> | undefined {
    if (service === undefined && branch !== "security") {
      const what = branch === "database" ? "database" : "service that could crash";
      return { state: "skipped", detail: `the stack has no ${what}` };
    }
    if (branch !== "database" || service === undefined) return undefined;
    const points = this.#parts.restores?.snapshots(scope, service) ?? [];
    return points.length > 0
      ? undefined
      : { state: "failed", detail: `there is no verified backup of ${service} to restore` };
  }

  async #copy(drill: Drill, signal: AbortSignal): Promise<void> {
    const { store, engine, clock } = this.#parts;
    const current = store.scopes.get(drill.scope)?.current;
    const release = current && store.releases.get(current);
    if (!release) throw recoveryError("RECOVERY_NOT_POSSIBLE", "it has no current release to copy");
    const started = store.transaction(() => {
      const known = drill.deployment && store.deployments.get(drill.deployment as Deployment["id"]);
      if (known) return known;
      const deployment = engine.deploy(drill.place, copyRequest(this.#parts, release, drill.place), self);
      this.book.change(drill.id, { deployment: deployment.id });
      return deployment;
    });
    const end = clock.now() + copyLimitMs;
    for (;;) {
      const now = store.deployments.get(started.id);
      if (now?.state === "succeeded") break;
      if (now?.finishedAt !== undefined)
        throw recoveryError(
          "RECOVERY_STEP_FAILED",
          `the copy did not come up: ${now.failure?.message ?? now.state}`,
        );
      if (clock.now() > end) throw recoveryError("RECOVERY_STEP_FAILED", "the copy did not come up in time");
      await clock.sleep(pollMs, signal);
    }
    this.book.change(drill.id, { phase: "break" });
  }

  /** Causes the failure; again after a crash in the middle of it. */
  async #break(drill: Drill, signal: AbortSignal): Promise<void> {
    const { clock, runtime, engine } = this.#parts;
    const { id, branch, place, service, scope } = drill;
    const brokenAt = drill.brokenAt ?? clock.now();
    if (drill.brokenAt === undefined) this.book.change(id, { brokenAt });
    if (branch === "service") {
      if (this.#incidentOf(id) === undefined) {
        await settle(this.#parts, place, signal);
        const fresh = this.book.change(id, { brokenAt: clock.now() });
        const { services } = await engine.status(place);
        const mine = services.find(({ name }) => name === service)?.replicas ?? [];
        const serving = mine.find(({ role, state }) => role === "current" && state === "running");
        const found = (await runtime.observe(place, signal)).find((replica) => replica.id === serving?.id);
        if (!found) throw recoveryError("RECOVERY_STEP_FAILED", `no replica of ${fresh.service} runs`);
        await runtime.stopReplica(found.id, 0, signal);
      }
    } else if (this.#incidentOf(id) === undefined)
      this.#incidents.open(
        {
          incident: branch,
          scope: place,
          impact: "drill",
          startedAt: brokenAt,
          recover: true,
          drill: id,
          dataFrom: scope,
          ...(service === undefined ? {} : { service }),
        },
        self,
      );
    this.book.change(id, { phase: "recover" });
  }

  async #await(drill: Drill, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const { id, rtoTarget, brokenAt = clock.now() } = drill;
    const end = brokenAt + Math.min(rtoTarget * 1000, recoverLimitMs);
    for (;;) {
      const found = this.#incidentOf(id);
      const incident = found === undefined ? undefined : this.#recovery.book.get(found);
      if (incident?.walk?.end === "contained" && incident.facts.rebuild !== true)
        this.#incidents.recover(incident.id, self, { rebuild: true });
      if (incident?.status === "RESOLVED") {
        const { rto: own = 0, rpo } = recoveryTimes(incident);
        const rto = incident.resolvedAt === undefined ? own : (incident.resolvedAt - brokenAt) / 1000;
        const isFresh = rpo === undefined || drill.rpoTarget === undefined || rpo <= drill.rpoTarget;
        const passed = incident.walk?.end === "resolved" && rto <= rtoTarget && isFresh;
        const measured = { rto, incident: incident.id, ...(rpo === undefined ? {} : { rpo }) };
        this.#end(id, {
          state: passed ? "passed" : "failed",
          ...measured,
          ...(passed ? {} : { detail: lastLine(incident.timeline) }),
        });
        return;
      }
      const escalated = incident?.walk?.end === "escalated";
      if (escalated || clock.now() > end) {
        const why = incident ? lastLine(incident.timeline) : "nobody noticed the failure";
        if (incident) this.#recovery.resolve(incident.id, "The drill ended without success");
        this.#end(id, { state: "failed", detail: why, ...(incident ? { incident: incident.id } : {}) });
        return;
      }
      await clock.sleep(pollMs, signal);
    }
  }

  #incidentOf(drill: string): string | undefined {
    return this.#recovery.book.list(50).find((incident) => incident.drill === drill)?.id;
  }

  /** A drill that fails says so loudly. */
  #end(id: string, result: Partial<Drill> & Pick<Drill, "state">): void {
    const { clock, people, store } = this.#parts;
    store.transaction(() => {
      const drill = this.book.change(id, { ...result, phase: "done", endedAt: clock.now() });
      if (drill.state !== "failed") return;
      const { title } = recoveryTree[drill.branch];
      people.notify({
        kind: "incident",
        severity: "critical",
        scope: drill.scope,
        title: `Drill failed: ${title} of ${scopeKey(drill.scope)}`,
        text: drill.detail ?? "The target was missed.",
        at: clock.now(),
        key: `drill/${id}`,
      });
    });
  }

  /** Takes the copy down with its volumes; tried again at the next look. */
  async #clean({ id, place }: Drill, signal: AbortSignal): Promise<void> {
    const { store, engine, clock } = this.#parts;
    const end = clock.now() + cleanLimitMs;
    while (clock.now() < end) {
      const unfinished = store.deployments.unfinished(place);
      if (!store.scopes.get(place) && unfinished.length === 0) {
        this.book.change(id, { cleaned: true });
        return;
      }
      if (store.scopes.get(place) && !unfinished.some(({ kind }) => kind === "down"))
        engine.down(place, { volumes: true }, self);
      await clock.sleep(pollMs, signal);
    }
    this.#parts.log("warn", `the copy of drill ${id} is still there; tried again later`);
  }
}

/** Which service fails: the named one, else the likeliest of its kind. */
function serviceFor(stack: Stack, branch: Drill["branch"], named: string | undefined): string | undefined {
  if (branch === "security") return undefined;
  const databases = stack.services.filter(({ kind }) => kind === "database");
  if (branch === "database")
    return (
      databases.find(({ name }) => name === named)?.name ??
      (named === undefined ? databases[0]?.name : undefined)
    );
  const crashable = stack.services.filter(({ kind }) => kind === "web" || kind === "worker");
  const web = crashable.find(({ kind, routes }) => kind === "web" && routes.length > 0);
  return named ?? (web ?? crashable[0] ?? databases[0])?.name;
}

/** The same texts and images, with copies of its secrets. */
function copyRequest({ store }: RecoveryParts, release: Release, place: Scope) {
  const fileVersions: Record<string, string> = {};
  for (const [name, version] of Object.entries(release.fileVersions)) {
    const content = store.secrets.get(release.scope, name, version);
    if (content) fileVersions[name] = store.secrets.put(place, name, content);
  }
  const pinnedImages = Object.fromEntries(
    Object.entries(release.images).map(([service, { reference, digest }]) => [
      service,
      { reference, digest },
    ]),
  );
  return { bundle: release.bundle, label: release.label, services: [], fileVersions, pinnedImages };
}

/** The engine has looked at the copy at rest, so that what dies now is news. */
async function settle({ engine, clock }: RecoveryParts, place: Scope, signal: AbortSignal): Promise<void> {
  const end = clock.now() + 30_000;
  while (clock.now() < end) {
    const { services, deployment } = await engine.status(place);
    const well = services.every(({ state }) => ["healthy", "stopped", "completed"].includes(state));
    if (well && !deployment) break;
    await clock.sleep(pollMs, signal);
  }
  await clock.sleep(2000, signal);
}

function lastLine(timeline: readonly { text: string }[]): string {
  return timeline.at(-1)?.text ?? "";
}
