import type { Clock } from "../lib/clock.ts";
import { sortTags } from "../policy/image-tags.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { ComposeModel } from "../stack/compose-model.ts";
import type { Stack } from "../stack/stack.ts";
import { type BuiltService, buildImages } from "./build-images.ts";
import { publishError } from "./errors.ts";
import { LineQueue } from "./line-queue.ts";
import type { Published, Publisher } from "./publisher.ts";
import { type PushTarget, pushTargets } from "./push-targets.ts";

export type BuilderParts = {
  runtime: Runtime;
  clock: Clock;
  publisher: Pick<Publisher, "publish">;
  /** Takes the secrets of an environment out of a line. */
  mask: (scope: Scope, line: string) => string;
};

export type BuildRequest = {
  scope: Scope;
  stack: Stack;
  model: ComposeModel;
  /** Only these; empty: all that are built. */
  services: readonly string[];
  files: Readonly<Record<string, Uint8Array>>;
  noCache: boolean;
  /** Absent: the images stay on this host. */
  push?: { tags: readonly string[]; build?: { ref: string; commit: string } };
  by: string;
  reason: string;
};

export type BuildResult = {
  service: string;
  reference: string;
  digest: string;
  sizeBytes?: number;
  steps: BuiltService["report"]["steps"];
  cached: number;
  buildMs: number;
  pushMs?: number;
  pushed?: Published;
};

export type BuildEvent =
  | { type: "line"; service: string; line: string }
  | { type: "built"; result: BuildResult };

/** Builds without deploying (and pushes, when asked to), with the same limits as a run. */
export class Builder {
  readonly #parts: BuilderParts;

  constructor(parts: BuilderParts) {
    this.#parts = parts;
  }

  /** Refuses at once what can't be done; the answer is the work, as its output comes. */
  start(request: BuildRequest): (signal: AbortSignal) => AsyncGenerator<BuildEvent, void, undefined> {
    const services = chosen(request);
    const targets = request.push ? this.#targets(request, services) : [];
    return (signal) => this.#events({ request, services, targets }, signal);
  }

  async *#events(work: Work, signal: AbortSignal): AsyncGenerator<BuildEvent, void, undefined> {
    const queue = new LineQueue<BuildEvent>();
    const ended = new AbortController();
    const limited = AbortSignal.any([signal, ended.signal]);
    const done = this.#run(work, queue, limited).then(
      () => queue.end(),
      (error: unknown) => queue.end(error),
    );
    try {
      yield* queue.items(signal);
    } finally {
      // Whoever asked has gone: nobody waits for the images.
      ended.abort(new Error("nobody waits for the build any more"));
      await done;
    }
  }

  async #run({ request, services, targets }: Work, queue: LineQueue<BuildEvent>, signal: AbortSignal) {
    const { scope } = request;
    const say = (line: string, service: string) =>
      queue.add({ type: "line", service, line: this.#parts.mask(scope, line) });
    const built = await buildImages(this.#parts, { ...request, services }, say, signal);
    for (const [service, one] of Object.entries(built)) {
      const target = targets.find((each) => each.service === service);
      const result = await this.#result(request, { service, one, target, say }, signal);
      queue.add({ type: "built", result });
    }
  }

  async #result(
    request: BuildRequest,
    { service, one, target, say }: Finished,
    signal: AbortSignal,
  ): Promise<BuildResult> {
    const { clock } = this.#parts;
    const { image, report, ms } = one;
    const sizeBytes = await this.#size(request.scope, service, image, signal);
    const begun = clock.now();
    const pushed = target && (await this.#push(request, { service, one, target, say }, signal));
    return {
      service,
      reference: image.reference,
      digest: image.digest,
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      steps: report.steps,
      cached: report.cached,
      buildMs: ms,
      ...(pushed ? { pushed, pushMs: clock.now() - begun } : {}),
    };
  }

  async #push(
    request: BuildRequest,
    { service, one, target, say }: Finished & { target: PushTarget },
    signal: AbortSignal,
  ): Promise<Published | undefined> {
    const { scope, by, reason, push } = request;
    const { digest, reference } = one.image;
    const { repository, versions, aliases } = target;
    const build = push?.build;
    const names = { repository, versions, aliases, ...(build ? { build } : {}) };
    const wanted = { scope, service, image: { digest, reference }, by, reason, ...names };
    return await this.#parts.publisher.publish(wanted, (line) => say(line, service), signal);
  }

  async #size(
    { stack }: Scope,
    service: string,
    { digest, reference }: BuiltService["image"],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const [held] =
      (await this.#parts.runtime.heldImages?.([{ stack, service, digest, reference }], signal)) ?? [];
    return held?.sizeBytes;
  }

  #targets({ model, scope, push }: BuildRequest, services: readonly { name: string }[]): PushTarget[] {
    const { runtime } = this.#parts;
    if (!runtime.exportImage)
      throw publishError("PUSH_UNSUPPORTED", `images of the ${runtime.name} runtime have no layers to push`);
    const names = services.map(({ name }) => name);
    const targets = pushTargets(model, scope.environment).filter(({ service }) => names.includes(service));
    if (targets.length === 0) throw publishError("PUSH_NO_REGISTRY", "the stack file names no registry");
    return targets.map((target) => {
      const { repository } = target;
      const given = (push?.tags ?? []).map((tag) => sortTags(tag, []));
      const versions = [...new Set([...given.flatMap((one) => one.versions), ...target.versions])];
      const aliases = [...new Set([...given.flatMap((one) => one.aliases), ...target.aliases])];
      if (versions.length === 0 && push?.build === undefined)
        throw publishError("PUSH_NO_TAG", `there is no version for ${repository}`);
      return { ...target, versions, aliases };
    });
  }
}

type Work = { request: BuildRequest; services: Stack["services"]; targets: readonly PushTarget[] };
type Finished = {
  service: string;
  one: BuiltService;
  target: PushTarget | undefined;
  say: (line: string, service: string) => void;
};

function chosen({ stack, services }: BuildRequest): Stack["services"] {
  const known = stack.services.filter(({ compose }) => compose.build !== undefined);
  const other = services.find((name) => !known.some((service) => service.name === name));
  if (other !== undefined) throw publishError("BUILD_NOTHING", `${other} is no service that is built`);
  if (known.length === 0) throw publishError("BUILD_NOTHING", `${stack.name} has no service that is built`);
  return known.filter(({ name }) => services.length === 0 || services.includes(name));
}
