import { mapLimited } from "../lib/limit.ts";
import { messageOf } from "../lib/platform-error.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { isServing, planRollout } from "../rollout/plan-rollout.ts";
import type { RolloutInput } from "../rollout/rollout-input.ts";
import { type Plan, type Step, stepKey } from "../rollout/step.ts";
import type { Deployment, DeploymentFailure, ScopeState } from "../store/port.ts";
import { acceptDeployment } from "./accept-deployment.ts";
import { progressOf } from "./deployment-progress.ts";
import {
  type Course,
  courseOf,
  keptRevisions,
  newRelease,
  planCourse,
  steadyCourse,
} from "./deployment-run.ts";
import type { EdgeDirector } from "./edge-director.ts";
import { engineError } from "./errors.ts";
import { finishFailed, finishSucceeded } from "./finish.ts";
import { HealthNews } from "./health-news.ts";
import type { HealthTracker } from "./health-tracker.ts";
import { Journal } from "./journal.ts";
import { observeScope, type ScopeView } from "./observe-scope.ts";
import { overridesAfter } from "./operations.ts";
import type { EngineParts } from "./parts.ts";
import { noOverrides, type ReleaseBook } from "./release-book.ts";
import { failureOf, maskOf } from "./step-failure.ts";
import { runStep } from "./steps/runners.ts";
import type { StepWorld } from "./steps/step-world.ts";
import { WindowWatch } from "./window-watch.ts";

const waveWidth = 8;
/** The same step started this often means that the world undoes it each time. */
const maxAttempts = 5;
/** Networks and addresses are made sure of this often at rest: an engine restart takes them away. */
const resourcesEveryMs = 60_000;
const returnRetryMs = 2000;

export type Shared = {
  parts: EngineParts;
  book: ReleaseBook;
  director: EdgeDirector;
  tracker: HealthTracker;
};

type RunningStep = {
  step: Step;
  journal: Journal;
  position: { total: number; done: number };
  startedAt: number | undefined;
};

/**
 * One stack in one environment: observe, plan, run the first wave, journal, again. At rest the same loop repairs
 * drift. It keeps nothing in memory that it could not read again, so being killed anywhere costs nothing.
 */
export class ScopeWorker {
  readonly scope: Scope;
  readonly #shared: Shared;
  #resources = { release: "", at: 0 };
  #lastSteadyError = "";
  #calm = false;
  readonly #window = new WindowWatch();
  readonly #news = new HealthNews();

  constructor(scope: Scope, shared: Shared) {
    this.scope = scope;
    this.#shared = shared;
  }

  /** At the last look at rest everything served and nothing was to be done. */
  get calm(): boolean {
    return this.#calm;
  }

  /** One round. True when there is more to do at once. */
  async round(signal: AbortSignal): Promise<boolean> {
    const { store } = this.#shared.parts;
    const deployment =
      store.deployments.unfinished(this.scope).find((d) => d.state !== "queued") ?? this.#begin();
    if (deployment) return this.#advance(deployment, signal);
    await this.#atRest(signal);
    return false;
  }

  #begin(): Deployment | undefined {
    const { store, clock } = this.#shared.parts;
    const queued = store.deployments
      .unfinished(this.scope)
      .find((deployment) => deployment.state === "queued");
    if (!queued) return undefined;
    const state = store.scopes.get(this.scope);
    const before = state
      ? {
          scale: state.scale,
          stopped: state.stopped,
          restarts: state.restarts,
          standIns: state.standIns ?? {},
        }
      : noOverrides;
    const previous = state?.current;
    const keepsRelease = queued.kind !== "deploy" && queued.kind !== "rollback" && queued.kind !== "down";
    store.transaction(() => {
      store.deployments.update(queued.id, {
        state: "running",
        startedAt: clock.now(),
        before,
        after: overridesAfter(queued, before, state),
        ...(previous ? { previous } : {}),
        ...(keepsRelease && previous ? { release: previous } : {}),
      });
      new Journal(this.#shared.parts, queued.id).state("running", "started");
    });
    return store.deployments.get(queued.id);
  }

  async #advance(deployment: Deployment, signal: AbortSignal): Promise<boolean> {
    const { parts, book } = this.#shared;
    const { store, clock } = parts;
    const journal = new Journal(parts, deployment.id);
    try {
      if (deployment.control === "abort" && deployment.state === "running")
        throw engineError("ENGINE_ABORTED", "aborted by an operator");
      const progress = progressOf(store.deployments.journal(deployment.id, 0));
      const course = courseOf(parts, book, deployment, progress);
      if (this.#imagesComplete(course, deployment)) {
        this.#createRelease(deployment, course);
        return true;
      }
      const view = await this.#observe(this.#resources.release === course.target.release, signal);
      const state = store.scopes.get(this.scope);
      const kept = this.#kept(deployment, course, state);
      const plan = planCourse(course, view, { state, progress, deployment, now: clock.now(), kept });
      if (plan.steps.length === 0) {
        await this.#finish(deployment, course, signal);
        return true;
      }
      await this.#runWave(deployment, course, { plan, progress, journal }, signal);
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      const failure = failureOf(error, { kind: "ensureResources" }, maskOf(parts, this.scope));
      return this.#failed(deployment, failure, signal);
    }
  }

  #imagesComplete(course: Course, deployment: Deployment): boolean {
    if (deployment.release || deployment.state === "returning" || deployment.kind !== "deploy") return false;
    return course.plan.stack.services.every(
      (service) => service.kind === "static" || course.plan.images[service.name] !== undefined,
    );
  }

  #createRelease(deployment: Deployment, course: Course): void {
    const { parts, book } = this.#shared;
    parts.store.transaction(() => {
      const release = newRelease(parts, deployment, course.plan);
      // A release is what was written: what stands in for its volumes is the scope's.
      if (Object.keys(deployment.after?.standIns ?? {}).length === 0)
        book.remember(release.id, course.plan.stack);
      parts.store.deployments.update(deployment.id, { release: release.id });
    });
  }

  #kept(deployment: Deployment, course: Course, state: ScopeState | undefined) {
    if (deployment.kind === "down") return {};
    const releases = [course.target, ...(course.base ? [course.base] : [])];
    return keptRevisions(this.#shared.book, state, releases, this.#shared.parts.clock.now());
  }

  async #observe(resourcesReady: boolean, signal: AbortSignal): Promise<ScopeView> {
    const { parts, tracker, book } = this.#shared;
    return observeScope(parts, { tracker, book, resourcesReady }, this.scope, signal);
  }

  /** Runs the first wave side by side. The first failure stops the deployment once its neighbours have ended. */
  async #runWave(
    deployment: Deployment,
    course: Course,
    work: { plan: Plan; progress: ReturnType<typeof progressOf>; journal: Journal },
    signal: AbortSignal,
  ): Promise<void> {
    const { plan, progress, journal } = work;
    const wave = plan.steps.filter((planned) => planned.wave === 0).map((planned) => planned.step);
    const position = { total: progress.done.size + plan.steps.length, done: progress.done.size };
    const failures: DeploymentFailure[] = [];
    await mapLimited(wave, waveWidth, async (step) => {
      const key = stepKey(step);
      if ((progress.attempts.get(key) ?? 0) >= maxAttempts) {
        const again = engineError("ENGINE_DOES_NOT_SETTLE", `${key} had to be repeated ${maxAttempts} times`);
        failures.push(failureOf(again, step, maskOf(this.#shared.parts, this.scope)));
        return;
      }
      const one = { step, journal, position, startedAt: progress.startedAt.get(key) };
      const failure =
        (await this.#runOne(deployment, course, one, signal)) ??
        (await this.#routeAtOnce(deployment, course, one, signal));
      if (failure) failures.push(failure);
    });
    const [first] = failures;
    if (first) await this.#failed(deployment, first, signal);
  }

  /**
   * A service that has just become ready and has no traffic yet gets it while its neighbours in the wave are still
   * waited for: some of them become ready only once they reach it.
   */
  async #routeAtOnce(
    deployment: Deployment,
    course: Course,
    one: RunningStep,
    signal: AbortSignal,
  ): Promise<DeploymentFailure | undefined> {
    const { step } = one;
    if (step.kind !== "waitReady") return undefined;
    const { parts } = this.#shared;
    const progress = progressOf(parts.store.deployments.journal(deployment.id, 0));
    const view = await this.#observe(true, signal);
    const state = parts.store.scopes.get(this.scope);
    const kept = this.#kept(deployment, course, state);
    const plan = planCourse(course, view, { state, progress, deployment, now: parts.clock.now(), kept });
    const route = plan.steps.find(
      (next) => next.wave === 0 && next.step.kind === "route" && next.step.service === step.service,
    );
    return (
      route && this.#runOne(deployment, course, { ...one, step: route.step, startedAt: undefined }, signal)
    );
  }

  async #runOne(
    deployment: Deployment,
    course: Course,
    one: RunningStep,
    signal: AbortSignal,
  ): Promise<DeploymentFailure | undefined> {
    const { step, journal, position } = one;
    const { clock, log } = this.#shared.parts;
    const began = clock.now();
    journal.started(step, position);
    try {
      const world = this.#world(
        deployment,
        course,
        { journal, step, startedAt: one.startedAt ?? began },
        signal,
      );
      const result = await runStep(step, world);
      if (step.kind === "ensureResources")
        this.#resources = { release: course.target.release, at: clock.now() };
      if (step.kind === "cutOver" && deployment.cutOverAt === undefined) {
        this.#shared.parts.store.deployments.update(deployment.id, { cutOverAt: clock.now() });
      }
      journal.done(step, clock.now() - began, result);
      return undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      const failure = failureOf(error, step, maskOf(this.#shared.parts, this.scope));
      log("warn", `step ${stepKey(step)} failed: ${failure.message}`, { deployment: deployment.id });
      journal.failed(step, clock.now() - began, failure);
      return failure;
    }
  }

  #world(
    deployment: Pick<Deployment, "id">,
    course: Course,
    one: { journal: Pick<Journal, "output">; step: Step; startedAt: number },
    signal: AbortSignal,
  ): StepWorld {
    const { parts, director, tracker, book } = this.#shared;
    return {
      parts,
      director,
      tracker,
      scope: this.scope,
      target: course.target,
      plan: course.plan,
      replicas: async () =>
        (await observeScope(parts, { tracker, book, resourcesReady: true }, this.scope, signal)).replicas,
      control: () => parts.store.deployments.get(deployment.id)?.control,
      startedAt: one.startedAt,
      output: (line) => one.journal.output(one.step, maskOf(parts, this.scope)(line)),
      signal,
    };
  }

  /** Forward: turn round and go back. Already on the way back: try again for a while, then say what is left. */
  async #failed(deployment: Deployment, failure: DeploymentFailure, signal: AbortSignal): Promise<boolean> {
    const { parts } = this.#shared;
    const { store, clock } = parts;
    const journal = new Journal(parts, deployment.id);
    if (deployment.state !== "returning" && deployment.kind !== "down") {
      store.transaction(() => {
        store.deployments.update(deployment.id, { state: "returning", failure });
        journal.state("returning", failure.message);
      });
      return true;
    }
    const failures = store.deployments
      .journal(deployment.id, 0)
      .filter((entry) => entry.event === "stepFailed").length;
    if (failures < maxAttempts * 2 && deployment.kind !== "down") {
      await clock.sleep(returnRetryMs, signal);
      return true;
    }
    finishFailed(this.#shared, deployment, `the way back failed too: ${failure.message}`, failure);
    return true;
  }

  async #finish(deployment: Deployment, course: Course, signal: AbortSignal): Promise<void> {
    if (deployment.state === "returning") finishFailed(this.#shared, deployment);
    else finishSucceeded(this.#shared, deployment, course);
    await this.#shared.director.sync(signal);
  }

  async #atRest(signal: AbortSignal): Promise<void> {
    const { parts, book } = this.#shared;
    const state = parts.store.scopes.get(this.scope);
    if (!state) return;
    try {
      const now = parts.clock.now();
      this.#forgetCold(state, now);
      const course = steadyCourse(book, state);
      const { release } = course.target;
      const fresh = now - this.#resources.at < resourcesEveryMs;
      const view = await this.#observe(fresh && this.#resources.release === release, signal);
      this.#news.tell(this.#shared, { target: course.target, replicas: view.replicas, now });
      const ids = view.observed.replicas.map((replica) => replica.id);
      const input: RolloutInput = {
        mode: "steady",
        target: course.target,
        current: release,
        observed: view.observed,
        done: new Set(),
        promoted: false,
        kept: keptRevisions(book, state, [course.target], now),
        notBefore: Object.fromEntries(ids.map((id) => [id, this.#shared.tracker.notBefore(id)])),
        now,
      };
      const plan = planRollout(input);
      this.#calm = plan.steps.length === 0 && isServing(input);
      await this.#repair(course, plan, signal);
      await this.#watchWindow(state, signal);
      this.#lastSteadyError = "";
    } catch (error) {
      if (signal.aborted) throw error;
      this.#complain(messageOf(error));
    }
  }

  async #repair(course: Course, plan: Plan, signal: AbortSignal): Promise<void> {
    const { parts } = this.#shared;
    const wave = plan.steps.filter((planned) => planned.wave === 0).map((planned) => planned.step);
    await mapLimited(wave, waveWidth, async (step) => {
      parts.log("info", `repair: ${stepKey(step)}`, { scope: scopeKey(this.scope) });
      const journal = { output: () => undefined };
      const world = this.#world(
        { id: "" as Deployment["id"] },
        course,
        { journal, step, startedAt: parts.clock.now() },
        signal,
      );
      await runStep(step, world);
      if (step.kind === "ensureResources")
        this.#resources = { release: course.target.release, at: parts.clock.now() };
    });
  }

  /** Inside its rollback window a new release is still judged, and goes back by itself. */
  async #watchWindow(state: ScopeState, signal: AbortSignal): Promise<void> {
    const { parts, book, director } = this.#shared;
    const [latest] = parts.store.deployments.list(this.scope, 1);
    const deployed =
      latest?.kind === "deploy" && latest.state === "succeeded" && latest.release === state.current;
    const back = state.warm.find((entry) => entry.release === latest?.previous && !entry.withdrawn);
    if (!deployed || !back || !state.current) return;
    const watched = book.stack(state.current).services.flatMap((service) => {
      const backend = `${scopeKey(this.scope)}/${service.name}:`;
      return service.canary ? [[backend, service.canary] as const] : [];
    });
    if (watched.length === 0) return;
    const { counters } = await director.observe(signal);
    const reason = this.#window.judge(state.current, Object.fromEntries(watched), {
      at: parts.clock.now(),
      counters,
    });
    if (reason === undefined) return;
    const by = { name: "roadstead", reason: `automatic return inside the rollback window: ${reason}` };
    acceptDeployment(parts, this.scope, { kind: "rollback", release: back.release }, by);
  }

  /** Releases whose window has passed are forgotten; their replicas then belong to nobody and are removed. */
  #forgetCold(state: ScopeState, now: number): void {
    if (!state.warm.some((entry) => entry.until <= now)) return;
    this.#shared.parts.store.scopes.update(this.scope, (current) => ({
      ...current,
      warm: current.warm.filter((entry) => entry.until > now),
    }));
  }

  #complain(message: string): void {
    if (message === this.#lastSteadyError) return;
    this.#lastSteadyError = message;
    this.#shared.parts.log("warn", `cannot keep ${scopeKey(this.scope)} as it should be: ${message}`);
  }
}
