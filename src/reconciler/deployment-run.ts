import { canonicalJson, sha256 } from "../lib/hash.ts";
import type { DesiredRelease } from "../rollout/desired.ts";
import { desiredOf } from "../rollout/desired-of.ts";
import type { ReleaseId, Revision, Scope } from "../rollout/ids.ts";
import { planRollout } from "../rollout/plan-rollout.ts";
import type { RolloutInput } from "../rollout/rollout-input.ts";
import { withStandIns } from "../rollout/stand-ins.ts";
import type { Plan } from "../rollout/step.ts";
import type { ComposeService } from "../stack/compose-model.ts";
import { hasErrors } from "../stack/problem.ts";
import type { Deployment, DeployRequest, Overrides, Release, ScopeState } from "../store/port.ts";
import type { Progress } from "./deployment-progress.ts";
import { engineError } from "./errors.ts";
import type { ScopeView } from "./observe-scope.ts";
import type { EngineParts } from "./parts.ts";
import { noOverrides, type ReleaseBook } from "./release-book.ts";
import type { TargetPlan } from "./steps/step-world.ts";

/** Where a deployment wants to go, and from where. */
export type Course = {
  target: DesiredRelease;
  base?: DesiredRelease;
  plan: TargetPlan;
  mode: RolloutInput["mode"];
};

/** The course of a running or returning deployment. Pure but for reading releases. */
export function courseOf(
  parts: EngineParts,
  book: ReleaseBook,
  deployment: Deployment,
  progress: Progress,
): Course {
  const before = deployment.before ?? noOverrides;
  const after = deployment.after ?? before;
  const earlier = deployment.previous ? book.desired(deployment.previous, before) : undefined;
  if (deployment.state === "returning") {
    const withdrawn = deployment.release ? book.desired(deployment.release, after) : undefined;
    const target = earlier ?? book.nothing(deployment.scope);
    const plan = deployment.previous
      ? planOf(book, deployment.previous, before)
      : emptyPlan(deployment.scope, target.release);
    return { target, ...(withdrawn ? { base: withdrawn } : {}), plan, mode: "switch" };
  }
  const base = earlier ? { base: earlier } : {};
  if (deployment.kind === "down") {
    const target = book.nothing(deployment.scope);
    return { target, ...base, plan: emptyPlan(deployment.scope, target.release), mode: "down" };
  }
  if (deployment.release) {
    const mode = deployment.kind === "rollback" ? "switch" : "deploy";
    return {
      target: book.desired(deployment.release, after),
      ...base,
      plan: planOf(book, deployment.release, after),
      mode,
    };
  }
  const carried = carriedImages(book, deployment.previous, deployment.request);
  const resolved = { ...progress, images: { ...carried, ...progress.images } };
  return {
    ...wished(parts, deployment, deployment.request, { progress: resolved, after }),
    ...base,
    mode: "deploy",
  };
}

/** What a stack at rest wants: its current release, or nothing. */
export function steadyCourse(book: ReleaseBook, state: ScopeState): Course {
  if (!state.current) {
    const target = book.nothing(state.scope);
    return { target, plan: emptyPlan(state.scope, target.release), mode: "steady" };
  }
  const plan = planOf(book, state.current, state);
  return { target: book.desired(state.current, state), plan, mode: "steady" };
}

/** A deploy whose release does not exist yet, because its images are still being resolved. */
function wished(
  parts: EngineParts,
  deployment: Pick<Deployment, "scope">,
  request: DeployRequest | undefined,
  { progress, after }: { progress: Progress; after: Overrides },
): { target: DesiredRelease; plan: TargetPlan } {
  if (!request)
    throw engineError("ENGINE_RELEASE_UNKNOWN", "the deployment has neither a release nor a request");
  const { stack: written, problems } = parts.resolve(request.bundle, deployment.scope.environment);
  if (!written || hasErrors(problems)) {
    const first = problems.find((problem) => problem.severity === "error");
    throw engineError(
      "ENGINE_STACK_INVALID",
      first ? `${first.path}: ${first.message}` : "the stack does not resolve",
    );
  }
  const stack = withStandIns(written, after.standIns);
  const release = "pending" as ReleaseId;
  const { images } = progress;
  const { fileVersions, bundle } = request;
  return {
    target: desiredOf({ release, stack, images, fileVersions, ...after }),
    plan: {
      release,
      stack,
      bundle,
      images,
      fileVersions,
      ...(request.pinnedImages ? { pinnedImages: request.pinnedImages } : {}),
    },
  };
}

/**
 * `deploy web` takes new images for web only; the other services keep those of the current release. A new value of a
 * variable takes no new image at all.
 */
function carriedImages(
  book: ReleaseBook,
  previous: ReleaseId | undefined,
  request: DeployRequest | undefined,
) {
  const { services = [], keepImages = false } = request ?? {};
  if (previous === undefined || (services.length === 0 && !keepImages)) return {};
  return Object.fromEntries(
    Object.entries(book.release(previous).images).filter(([name]) => !services.includes(name)),
  );
}

/**
 * The plan of a deploy that nobody has asked for yet. Images are not resolved for it: a service whose image and build
 * settings are the same is taken to get the image that it has.
 */
export function previewOf(
  shared: { parts: EngineParts; book: ReleaseBook },
  scope: Scope,
  request: DeployRequest,
  state: ScopeState | undefined,
) {
  const { parts, book } = shared;
  const after = { ...(state ?? noOverrides), stopped: [] };
  const progress: Progress = { done: new Set(), images: {}, startedAt: new Map(), attempts: new Map() };
  const preview = wished(parts, { scope }, request, { progress, after });
  if (!state?.current) return preview;
  const { images } = book.release(state.current);
  const before = new Map(
    book.stack(state.current).services.map((service) => [service.name, service.compose]),
  );
  const same = preview.plan.stack.services.filter(({ name, compose }) => {
    const source = ({ image, build }: ComposeService) => canonicalJson({ image, build });
    const earlier = before.get(name);
    return earlier !== undefined && source(earlier) === source(compose);
  });
  const assumed = Object.fromEntries(
    same.flatMap(({ name }) => (images[name] ? [[name, images[name]]] : [])),
  );
  const { stack, fileVersions, release } = preview.plan;
  return { ...preview, target: desiredOf({ release, stack, images: assumed, fileVersions, ...after }) };
}

function planOf(book: ReleaseBook, id: ReleaseId, { standIns }: Pick<Overrides, "standIns">): TargetPlan {
  const { bundle, images, fileVersions } = book.release(id);
  return { release: id, stack: book.stackWith(id, standIns), bundle, images, fileVersions };
}

function emptyPlan(scope: Scope, release: ReleaseId): TargetPlan {
  const stack = {
    name: scope.stack,
    environment: scope.environment,
    services: [],
    networks: {},
    volumes: {},
    files: [],
  };
  const bundle = { projectDirectory: "/", composeFiles: [], texts: {}, variables: {}, profiles: [] };
  return { release, stack, bundle, images: {}, fileVersions: {} };
}

/** The next steps of that course from what is observed. A deploy first resolves all its images. */
export function planCourse(
  course: Course,
  view: ScopeView,
  facts: {
    state: ScopeState | undefined;
    progress: Progress;
    deployment?: Deployment;
    now: number;
    kept: RolloutInput["kept"];
  },
): Plan {
  const unresolved = course.plan.stack.services.filter(
    (service) => service.kind !== "static" && course.plan.images[service.name] === undefined,
  );
  const input: RolloutInput = {
    mode: course.mode,
    target: course.target,
    ...(course.base ? { base: course.base } : {}),
    ...currentOf(course, facts.state),
    observed: view.observed,
    done: facts.progress.done,
    promoted: facts.deployment?.control === "promote",
    kept: facts.kept,
    notBefore: {},
    now: facts.now,
    removeVolumes: facts.deployment?.operation?.volumes ?? false,
  };
  const plan = planRollout(input);
  if (unresolved.length === 0) return plan;
  const images = unresolved.map((service) => ({
    wave: 0,
    step: { kind: "ensureImage" as const, service: service.name },
  }));
  return {
    ...plan,
    steps: [...images, ...plan.steps.map((planned) => ({ ...planned, wave: planned.wave + 1 }))],
  };
}

/** Nothing deployed and nothing wanted: there is no release to mark. */
function currentOf(course: Course, state: ScopeState | undefined): { current?: ReleaseId } {
  if (course.plan.stack.services.length === 0) return { current: course.target.release };
  return state?.current ? { current: state.current } : {};
}

/** Revisions whose replicas must not be removed now. */
export function keptRevisions(
  book: ReleaseBook,
  state: ScopeState | undefined,
  extra: readonly DesiredRelease[],
  now: number,
): Record<string, Revision[]> {
  const kept: Record<string, Revision[]> = {};
  const keep = (release: DesiredRelease) => {
    for (const { name, revision } of release.services) kept[name] = [...(kept[name] ?? []), revision];
  };
  for (const release of extra) keep(release);
  for (const { release, until, restarts } of state?.warm ?? []) {
    if (until > now)
      keep(book.desired(release, { ...noOverrides, restarts, standIns: state?.standIns ?? {} }));
  }
  return kept;
}

/** The immutable record of what this deployment resolved. */
export function newRelease(parts: EngineParts, deployment: Deployment, plan: TargetPlan): Release {
  const { bundle, images, fileVersions, stack } = plan;
  return parts.store.releases.create({
    id: parts.ids.next("rel") as ReleaseId,
    scope: deployment.scope,
    createdAt: parts.clock.now(),
    label: deployment.request?.label ?? "",
    bundle,
    configHash: sha256(
      canonicalJson({ services: stack.services, networks: stack.networks, volumes: stack.volumes }),
    ),
    images,
    fileVersions,
  });
}
