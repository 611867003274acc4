import type { Clock } from "../lib/clock.ts";
import { messageOf } from "../lib/platform-error.ts";
import type { Actor, Engine } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { isPreviewEnvironment, previewTemplate } from "../stack/preview-environment.ts";
import type { Store } from "../store/port.ts";
import type { Delivery, RunRequest } from "./delivery.ts";
import { type Preview, previewScope } from "./preview.ts";
import type { Run } from "./run.ts";
import { sourceSettings } from "./source-settings.ts";
import { webhookError } from "./webhook.ts";

const collection = "previews";
const restMs = 60_000;
const busyMs = 2_000;
const longestBackOffMs = 10 * 60_000;
const self: Actor = { name: "roadstead", reason: "" };

export type PreviewName = Pick<Preview, "source" | "name">;

export type PreviewWish = PreviewName &
  Pick<Preview, "title" | "fork"> &
  Pick<RunRequest, "commit" | "subject" | "author" | "ref" | "fetchRef" | "target"> & {
    trigger?: Run["trigger"];
  };

export type PreviewParts = {
  store: Store;
  clock: Clock;
  delivery: Delivery;
  engine: Engine;
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
};

/**
 * Whole stacks for a while: one environment per pull request, removed with its volumes when that closes, when nobody
 * has touched it for its time, or by hand. What is to go is stored first, so that a crash leaves nothing behind.
 */
export class Previews {
  readonly #parts: PreviewParts;
  readonly #stop = new AbortController();
  readonly #attempts = new Map<string, { count: number; notBefore: number }>();
  #wake = new AbortController();
  #working: Promise<void> | undefined;

  constructor(parts: PreviewParts) {
    this.#parts = parts;
  }

  /** Takes down what has expired or was closed, now and until `stop`. */
  start(): void {
    this.#working ??= this.#work();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#working;
  }

  list(source?: string): Preview[] {
    const prefix = source === undefined ? {} : { prefix: `${source}/` };
    return this.#parts.store.records.list<Preview>(collection, prefix).map(({ value }) => value);
  }

  get(of: PreviewName): Preview | undefined {
    return this.#parts.store.records.get<Preview>(collection, keyOf(of));
  }

  /** Queues the run that brings it up, or brings it to a newer commit. */
  open(wish: PreviewWish, by: Actor): Run {
    const { store, clock, delivery } = this.#parts;
    const { source, name, title, fork, commit, ref, trigger = "pullRequest" } = wish;
    const settings = sourceSettings(store, source).previews;
    if (!settings)
      throw webhookError("WEBHOOK_REFUSED", `previews of ${source} are not turned on`, {
        hint: `Turn them on: roadstead source ${source} --previews on`,
      });
    return store.transaction(() => {
      const before = this.get(wish);
      const others = this.list(source).filter((other) => other.name !== name);
      if (!before && others.length >= settings.quota)
        throw webhookError(
          "WEBHOOK_REFUSED",
          `${source} has its ${settings.quota} previews: ${others.map((other) => other.name).join(", ")}`,
          { hint: "Stop one with `roadstead preview stop NAME`, or raise --preview-quota." },
        );
      const { subject, author, fetchRef, target } = wish;
      const run = delivery.accept(
        {
          source,
          scope: previewScope(wish),
          ref,
          commit,
          subject,
          author,
          trigger,
          ...(fetchRef === undefined ? {} : { fetchRef }),
          ...(target === undefined ? {} : { target }),
        },
        by,
      );
      const now = clock.now();
      this.#put({
        source,
        name,
        ref,
        commit,
        title,
        fork,
        openedAt: before?.openedAt ?? now,
        expiresAt: now + settings.ttlHours * 3600_000,
        run: run.id,
      });
      return run;
    });
  }

  /** Ends its runs and takes it down with its volumes, soon; undefined when there is none. */
  close(of: PreviewName, why: string, by: Actor): Preview | undefined {
    const known = this.get(of);
    if (!known) return undefined;
    const closing: Preview = { ...known, closing: known.closing ?? why };
    this.#parts.store.transaction(() => {
      this.#put(closing);
      this.#audit(by, "preview.close", closing);
    });
    this.#attempts.delete(keyOf(of));
    this.#wake.abort();
    return closing;
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      for (const preview of this.list()) this.#look(preview);
      const rest = this.list().some(({ closing }) => closing !== undefined) ? busyMs : restMs;
      const early = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
      await this.#parts.clock.sleep(rest, early).catch(() => undefined);
    }
  }

  #look(preview: Preview): void {
    const { clock } = this.#parts;
    if (preview.closing === undefined) {
      if (preview.expiresAt <= clock.now()) this.close(preview, "its time is over", self);
      else return;
    }
    const tried = this.#attempts.get(keyOf(preview));
    if (tried && clock.now() < tried.notBefore) return;
    try {
      this.#takeDown(preview);
    } catch (error) {
      this.#parts.log("error", `preview ${keyOf(preview)}: ${messageOf(error)}`);
      this.#backOff(preview);
    }
  }

  /** Looks at what is still there and takes the next step; done when nothing is. */
  #takeDown(preview: Preview): void {
    const { store, delivery, engine } = this.#parts;
    const scope = previewScope(preview);
    const by = { ...self, reason: preview.closing ?? "its time is over" };
    delivery.abortAll(scope, by);
    // A run that is just handing over must have let go first, or it would deploy after the end.
    const letGo = delivery.book.unfinished(scope).length === 0;
    const unfinished = store.deployments.unfinished(scope);
    if (unfinished.some(({ kind }) => kind === "down")) return;
    if (!letGo || (unfinished.length > 0 && !store.scopes.get(scope))) {
      this.#abortDeployments(scope, by);
      return;
    }
    if (store.scopes.get(scope)) {
      this.#backOff(preview);
      engine.down(scope, { volumes: true }, by);
      return;
    }
    store.transaction(() => {
      store.records.remove(collection, keyOf(preview));
      this.#audit(by, "preview.gone", preview);
    });
    this.#attempts.delete(keyOf(preview));
    this.#parts.log("info", `preview ${keyOf(preview)} is gone`);
  }

  #abortDeployments(scope: Scope, by: Actor): void {
    const { store, engine } = this.#parts;
    const running = store.deployments.unfinished(scope);
    if (
      running.some(
        ({ kind, state, control }) => kind !== "down" && state !== "returning" && control !== "abort",
      )
    )
      engine.abort(scope, by);
  }

  /** A removal that failed is tried again, ever more rarely. */
  #backOff(preview: Preview): void {
    const key = keyOf(preview);
    const count = (this.#attempts.get(key)?.count ?? 0) + 1;
    const wait = Math.min(busyMs * 2 ** count, longestBackOffMs);
    this.#attempts.set(key, { count, notBefore: this.#parts.clock.now() + wait });
  }

  #put(preview: Preview): void {
    this.#parts.store.records.put(collection, keyOf(preview), preview);
  }

  #audit(by: Actor, action: string, { source, name, closing = "" }: Preview): void {
    const { store, clock } = this.#parts;
    const detail = { name, reason: by.reason === "" ? closing : by.reason };
    store.audit.append({ at: clock.now(), actor: by.name, action, target: source, detail });
  }
}

/**
 * Whose variables an environment runs with: a preview with those of `preview`, and one of a stranger's commit (or one
 * that is only checked) with none.
 */
export function variableScope(store: Store, scope: Scope): Scope | undefined {
  if (!isPreviewEnvironment(scope.environment)) return scope;
  const preview = store.records.get<Preview>(
    collection,
    keyOf({ source: scope.stack, name: scope.environment }),
  );
  return preview && !preview.fork ? { stack: scope.stack, environment: previewTemplate } : undefined;
}

/** The environment of a branch that is looked at by hand. */
export function previewNameOf(ref: string): string {
  const slug = ref
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-|-$/g, "");
  return `preview-${slug || "x"}`;
}

function keyOf({ source, name }: PreviewName): string {
  return scopeKey({ stack: source, environment: name });
}
