import { type ReleaseId, type Scope, scopeKey } from "../rollout/ids.ts";
import type { Plan } from "../rollout/step.ts";
import { hasErrors } from "../stack/problem.ts";
import type { Stack } from "../stack/stack.ts";
import type { Deployment, DeployRequest, ScopeState } from "../store/port.ts";
import { acceptDeployment, endQueued } from "./accept-deployment.ts";
import { progressOf } from "./deployment-progress.ts";
import { keptRevisions, planCourse, previewOf } from "./deployment-run.ts";
import { EdgeDirector } from "./edge-director.ts";
import type { Actor, Engine, ScopeStatus } from "./engine.ts";
import { engineError } from "./errors.ts";
import { HealthTracker } from "./health-tracker.ts";
import { assertBuildValues } from "./image-book.ts";
import { observeScope } from "./observe-scope.ts";
import type { EngineParts } from "./parts.ts";
import { connectionNotes } from "./plan-connections.ts";
import { Reconciler } from "./reconciler.ts";
import { noOverrides, ReleaseBook } from "./release-book.ts";
import { routeCollisions } from "./route-collisions.ts";
import type { Shared } from "./scope-worker.ts";
import { statusOf } from "./status.ts";

/** Accepts what the surfaces ask for, writes it down, and wakes the reconciler. */
export class ControlEngine implements Engine {
  readonly #shared: Shared;
  readonly reconciler: Reconciler;

  constructor(parts: EngineParts) {
    const book = new ReleaseBook(parts);
    const director = new EdgeDirector(parts, book);
    this.#shared = { parts, book, director, tracker: new HealthTracker(parts) };
    this.reconciler = new Reconciler(this.#shared);
  }

  async plan(scope: Scope, request: DeployRequest): Promise<Plan> {
    const { parts, book, tracker } = this.#shared;
    const stack = this.#accept(scope, request);
    const state = parts.store.scopes.get(scope);
    const overrides = state ?? noOverrides;
    const preview = previewOf(this.#shared, scope, request, state);
    const base = state?.current ? { base: book.desired(state.current, overrides) } : {};
    const view = await observeScope(
      parts,
      { tracker, book, resourcesReady: state?.current !== undefined },
      scope,
      AbortSignal.timeout(10_000),
    );
    const now = parts.clock.now();
    const kept = keptRevisions(book, state, base.base ? [base.base] : [], now);
    const plan = planCourse({ ...preview, ...base, mode: "deploy" }, view, {
      state,
      progress: progressOf([]),
      now,
      kept,
    });
    return { ...plan, notes: [...plan.notes, ...connectionNotes(stack)] };
  }

  deploy(scope: Scope, request: DeployRequest, by: Actor): Deployment {
    this.#accept(scope, request);
    return this.#queue(scope, { kind: "deploy", request }, by);
  }

  rollback(scope: Scope, release: ReleaseId | undefined, by: Actor): Deployment {
    const { store } = this.#shared.parts;
    const state = this.#state(scope);
    const earlier = release ?? this.#before(state);
    if (!earlier)
      throw engineError("ENGINE_NOTHING_TO_ROLL_BACK", `${scopeKey(scope)} has no earlier release`);
    const known = store.releases.get(earlier);
    if (!known || scopeKey(known.scope) !== scopeKey(scope)) {
      throw engineError("ENGINE_RELEASE_UNKNOWN", `${scopeKey(scope)} has no release ${earlier}`);
    }
    return this.#queue(scope, { kind: "rollback", release: earlier }, by);
  }

  promote(scope: Scope, by: Actor): Deployment {
    const running = this.#unfinished(scope).find((deployment) => deployment.state === "running");
    const stack = running?.release ? this.#shared.book.stack(running.release) : undefined;
    if (!running || !stack?.services.some((service) => service.canary)) {
      throw engineError("ENGINE_NO_CANARY", `${scopeKey(scope)} has no canary to promote`);
    }
    return this.#control(running, "promote", by);
  }

  abort(scope: Scope, by: Actor): Deployment {
    const [oldest] = this.#unfinished(scope);
    if (!oldest) throw engineError("ENGINE_NOTHING_RUNNING", `${scopeKey(scope)} has no deployment to abort`);
    if (oldest.state === "returning") return oldest;
    return this.#control(oldest, "abort", by);
  }

  restart(scope: Scope, services: readonly string[], by: Actor): Deployment {
    return this.#queue(
      scope,
      { kind: "restart", operation: { services: this.#services(scope, services) } },
      by,
    );
  }

  /** Restarts these services on other volumes; a failure returns to those that they have now. */
  switchVolumes(
    scope: Scope,
    services: readonly string[],
    standIns: Readonly<Record<string, string | null>>,
    by: Actor,
  ): Deployment {
    const operation = { services: this.#services(scope, services), standIns };
    return this.#queue(scope, { kind: "restart", operation }, by);
  }

  /** Requests to these services wait at the edge, each at most as long as its service says, or go on. */
  async hold(scope: Scope, services: readonly string[], on: boolean, signal: AbortSignal): Promise<void> {
    const change = (state: ScopeState): ScopeState => ({
      ...state,
      routing: Object.fromEntries(
        Object.entries(state.routing).map(([name, routing]) => [
          name,
          services.includes(name) ? { ...routing, hold: on } : routing,
        ]),
      ),
    });
    await this.#shared.director.change(scope, change, signal);
  }

  stop(scope: Scope, services: readonly string[], by: Actor): Deployment {
    return this.#queue(scope, { kind: "stop", operation: { services: this.#services(scope, services) } }, by);
  }

  start(scope: Scope, services: readonly string[], by: Actor): Deployment {
    return this.#queue(
      scope,
      { kind: "start", operation: { services: this.#services(scope, services) } },
      by,
    );
  }

  scale(scope: Scope, replicas: Readonly<Record<string, number>>, by: Actor): Deployment {
    const stack = this.#stack(scope);
    this.#services(scope, Object.keys(replicas));
    for (const service of stack.services) {
      const wanted = replicas[service.name];
      if (wanted !== undefined && wanted > 1 && service.strategy === "singleton") {
        throw engineError(
          "ENGINE_SCALE_REFUSED",
          `${service.name} is a singleton and can't run ${wanted} replicas`,
        );
      }
    }
    return this.#queue(scope, { kind: "scale", operation: { replicas } }, by);
  }

  down(scope: Scope, options: { volumes: boolean }, by: Actor): Deployment {
    this.#state(scope);
    for (const deployment of this.#unfinished(scope)) {
      if (deployment.kind !== "down" && deployment.state !== "returning")
        this.#control(deployment, "abort", by);
    }
    return this.#queue(scope, { kind: "down", operation: { volumes: options.volumes } }, by);
  }

  /** Cuts a stack off at the edge after a breach, or joins it again; what runs goes on. */
  async isolate(scope: Scope, on: boolean, signal: AbortSignal): Promise<void> {
    this.#state(scope);
    const change = ({ isolated: _was, ...state }: ScopeState) => (on ? { ...state, isolated: true } : state);
    await this.#shared.director.change(scope, change, signal);
  }

  async status(scope: Scope): Promise<ScopeStatus> {
    const { store } = this.#shared.parts;
    if (!store.scopes.get(scope) && this.#unfinished(scope).length === 0) this.#state(scope);
    return statusOf(this.#shared, scope);
  }

  async list(): Promise<ScopeStatus[]> {
    const { store } = this.#shared.parts;
    const scopes = new Map(store.scopes.list().map(({ scope }) => [scopeKey(scope), scope]));
    for (const { scope } of store.deployments.unfinished("all")) scopes.set(scopeKey(scope), scope);
    const sorted = [...scopes.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    return Promise.all(sorted.map(([, scope]) => statusOf(this.#shared, scope)));
  }

  /** Everything that can be known to be wrong before anything starts is refused here. */
  #accept(scope: Scope, request: DeployRequest): Stack {
    const { parts, book } = this.#shared;
    const { stack, problems } = parts.resolve(request.bundle, scope.environment);
    if (!stack || hasErrors(problems)) {
      const first = problems.find((problem) => problem.severity === "error");
      throw engineError(
        "ENGINE_STACK_INVALID",
        first ? `${first.path}: ${first.message}` : "the stack does not resolve",
      );
    }
    for (const file of stack.files) {
      const version = request.fileVersions[file.name];
      if (version === undefined || !parts.store.secrets.get(scope, file.name, version)) {
        throw engineError("ENGINE_FILE_MISSING", `the content of ${file.kind} ${file.name} is missing`);
      }
    }
    assertBuildValues(parts.store, stack, request.pinnedImages ?? {});
    const [taken] = routeCollisions(stack, parts.store.scopes.list(), book);
    if (taken) throw engineError("ENGINE_ROUTE_TAKEN", taken);
    return stack;
  }

  #queue(scope: Scope, wish: Pick<Deployment, "kind"> & Partial<Deployment>, by: Actor): Deployment {
    const deployment = acceptDeployment(this.#shared.parts, scope, wish, by);
    this.reconciler.wake(scope);
    return deployment;
  }

  #control(deployment: Deployment, control: "abort" | "promote", by: Actor): Deployment {
    const { parts } = this.#shared;
    const { store } = parts;
    if (control === "abort" && deployment.state === "queued") {
      endQueued(parts, deployment, "aborted", {
        code: "ENGINE_ABORTED",
        message: `dropped by ${by.name} before it began`,
      });
    } else store.deployments.update(deployment.id, { control });
    this.reconciler.wake(deployment.scope);
    return store.deployments.get(deployment.id) ?? deployment;
  }

  #unfinished(scope: Scope): Deployment[] {
    return this.#shared.parts.store.deployments.unfinished(scope);
  }

  #state(scope: Scope): ScopeState {
    const state = this.#shared.parts.store.scopes.get(scope);
    if (!state) throw engineError("ENGINE_STACK_UNKNOWN", `${scopeKey(scope)} is not deployed here`);
    return state;
  }

  #stack(scope: Scope): Stack {
    const { current } = this.#state(scope);
    if (!current) throw engineError("ENGINE_STACK_UNKNOWN", `${scopeKey(scope)} has no current release`);
    return this.#shared.book.stack(current);
  }

  /** The named services, or all; an unknown name is refused. */
  #services(scope: Scope, names: readonly string[]): string[] {
    const known = this.#stack(scope).services.map((service) => service.name);
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) {
      throw engineError(
        "ENGINE_SERVICE_UNKNOWN",
        `${scopeKey(scope)} has no service ${unknown}; it has ${known.join(", ")}`,
      );
    }
    return names.length > 0 ? [...names] : known;
  }

  /** What was current before the current release: the warm one, else the newest older one that once succeeded. */
  #before(state: ScopeState): ReleaseId | undefined {
    const { store } = this.#shared.parts;
    const succeeded = store.deployments
      .list(state.scope, 200)
      .filter(
        (deployment) =>
          deployment.state === "succeeded" && deployment.release && deployment.release !== state.current,
      );
    const reached = succeeded.map((deployment) => deployment.release);
    const warm = state.warm.find((entry) => reached.includes(entry.release));
    return warm?.release ?? reached[0];
  }
}
