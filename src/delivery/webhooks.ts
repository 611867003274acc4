import type { ForgeEvent, Forges, PullRequestEvent, PushEvent } from "../forge/port.ts";
import type { Clock } from "../lib/clock.ts";
import { messageOf, PlatformError } from "../lib/platform-error.ts";
import type { Actor } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Sources } from "../source/port.ts";
import type { Store } from "../store/port.ts";
import type { Delivery } from "./delivery.ts";
import type { Previews } from "./previews.ts";
import type { Run } from "./run.ts";
import { environmentOf, sourceSettings } from "./source-settings.ts";
import { startRun } from "./start-run.ts";
import { type HookCall, type HookOutcome, type Webhook, type WebhookName, webhookError } from "./webhook.ts";
import { WebhookBook } from "./webhook-book.ts";

const gitLimitMs = 60_000;

export type WebhookParts = {
  store: Store;
  clock: Clock;
  delivery: Delivery;
  sources: Sources;
  previews: Previews;
  forges: Forges;
  /** Looks at once for newer images of these services, where updates are turned on; answers which they are. */
  updateNow: (scope: Scope, services: readonly string[]) => readonly string[];
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
};

/**
 * Takes what the forges send: proves who it is, refuses what was taken before, and puts the rest into the same queue as
 * every other way in. Refusals are logged and kept in the audit trail, never with a secret or a body.
 */
export class Webhooks {
  readonly book: WebhookBook;
  readonly #parts: WebhookParts;
  /** Being taken now: a second one at the same time is a replay too. */
  readonly #underWay = new Set<string>();

  constructor(parts: WebhookParts) {
    this.#parts = parts;
    this.book = new WebhookBook(parts.store, parts.clock);
  }

  /** Makes or renews one; the secret is answered this once. */
  create(
    wish: WebhookName & { services: readonly string[]; urlToken: boolean },
    by: Actor,
  ): { hook: Webhook; secret: string } {
    return this.#parts.store.transaction(() => {
      const made = this.book.save(wish);
      const { source, kind, name, services, urlToken } = wish;
      this.#audit(by.name, "webhook.create", source, { kind, name, services, urlToken, reason: by.reason });
      return made;
    });
  }

  remove(name: WebhookName, by: Actor): void {
    this.#parts.store.transaction(() => {
      if (!this.book.remove(name))
        throw webhookError("WEBHOOK_UNKNOWN", `${name.source} has no ${name.kind} webhook ${name.name}`);
      const { source, kind } = name;
      this.#audit(by.name, "webhook.remove", source, { kind, name: name.name, reason: by.reason });
    });
  }

  async receive(call: HookCall): Promise<HookOutcome> {
    const outcome = await this.#receive(call);
    const about = outcome.kind === "ignored" ? outcome.reason : outcome.kind;
    this.#parts.log("info", `webhook ${call.kind} of ${call.source}: ${about}`, { address: call.address });
    return outcome;
  }

  async #receive(call: HookCall): Promise<HookOutcome> {
    const hook = this.book.get(call);
    const secret = hook && this.book.secret(hook);
    if (!hook || secret === undefined || secret === "")
      throw webhookError("WEBHOOK_UNKNOWN", "there is no such webhook");
    const forge = await this.#parts.forges(hook.kind);
    const proof = forge.verify(call.request, secret, { urlToken: hook.urlToken });
    const marks = this.book.marksOf(hook, proof, call.request.body);
    if (marks.some((mark) => this.#underWay.has(mark)) || this.book.isKnown(marks))
      throw webhookError("WEBHOOK_REPLAYED", "this delivery was taken already");
    for (const mark of marks) this.#underWay.add(mark);
    try {
      const outcome = await this.#act(hook, forge.parse(call.request));
      // Only now: what failed on the way may be sent again.
      this.book.remember(hook.source, marks);
      return outcome;
    } finally {
      for (const mark of marks) this.#underWay.delete(mark);
    }
  }

  async #act(hook: Webhook, event: ForgeEvent): Promise<HookOutcome> {
    switch (event.type) {
      case "push":
        return await this.#push(hook, event);
      case "pullRequest":
        return await this.#pullRequest(hook, event);
      case "deploy":
        return await this.#deploy(hook, event);
      case "package":
        return this.#packagePushed(hook, event);
      case "other":
        return { kind: "ignored", reason: event.name === "" ? "no event" : `${event.name} starts nothing` };
    }
  }

  async #push(hook: Webhook, event: PushEvent): Promise<HookOutcome> {
    if (event.commit === undefined) return { kind: "ignored", reason: `${event.ref} was deleted` };
    const environment = event.isTag ? undefined : environmentOf(this.#settings(hook), event.ref);
    if (environment === undefined)
      return { kind: "ignored", reason: `no environment follows ${event.isTag ? "tag " : ""}${event.ref}` };
    await this.#insistOnCommit(hook, event.commit);
    const { ref, commit, subject, author } = event;
    const scope = { stack: hook.source, environment };
    const request = { source: hook.source, scope, ref, commit, subject, author, ...servicesOf(hook) };
    const by = actorOf(hook, `push of ${ref}`);
    return this.#accepted(hook, by, () =>
      this.#parts.delivery.accept({ ...request, trigger: "webhook" }, by),
    );
  }

  /** Checked always; deployed as a preview where the source says so. */
  async #pullRequest(hook: Webhook, event: PullRequestEvent): Promise<HookOutcome> {
    const { previews, delivery } = this.#parts;
    const by = actorOf(hook, `pull request ${event.number} ${event.action}`);
    const wish = { source: hook.source, name: `pr-${event.number}` };
    if (event.action === "closed") {
      const preview = previews.close(wish, `pull request ${event.number} was closed`, by);
      if (preview) return { kind: "closing", preview };
      delivery.abortAll({ stack: hook.source, environment: wish.name }, by);
      return { kind: "ignored", reason: `pull request ${event.number} has no preview` };
    }
    const settings = this.#settings(hook);
    if (event.fork && settings.previews?.forks !== "withoutSecrets")
      throw webhookError(
        "WEBHOOK_REFUSED",
        `pull request ${event.number} comes from a fork: its author could run any code here`,
        {
          hint: `Allow them, without secrets: roadstead source ${hook.source} --preview-forks without-secrets`,
        },
      );
    await this.#insistOnCommit(hook, event.commit);
    const { commit, title, author, fetchRef, base, branch, fork } = event;
    const facts = { commit, subject: title, author, fetchRef, target: base, ref: branch };
    if (settings.previews)
      return this.#accepted(hook, by, () => previews.open({ ...wish, ...facts, title, fork }, by));
    const scope = { stack: hook.source, environment: wish.name };
    const request = { source: hook.source, scope, ...facts, trigger: "pullRequest" as const };
    return this.#accepted(hook, by, () => delivery.accept({ ...request, checksOnly: true }, by));
  }

  /** The head of a branch, now; the caller waits for git, which a forge would not. */
  async #deploy(hook: Webhook, event: { branch?: string }): Promise<HookOutcome> {
    const settings = this.#settings(hook);
    const branch = event.branch ?? Object.keys(settings.branches)[0] ?? "main";
    const environment = environmentOf(settings, branch);
    if (environment === undefined) return { kind: "ignored", reason: `no environment follows ${branch}` };
    const by = actorOf(hook, `webhook for ${branch}`);
    const wish = { source: hook.source, ref: branch, environment, trigger: "webhook" as const };
    const signal = AbortSignal.timeout(gitLimitMs);
    const run = await startRun(this.#parts, { ...wish, ...servicesOf(hook) }, by, signal);
    return this.#accepted(hook, by, () => run);
  }

  /**
   * A new image of a repository that runs here: auto-update looks at once instead of at its next poll, with all its
   * rules. Services that have not opted in stay as they are.
   */
  #packagePushed(hook: Webhook, event: Extract<ForgeEvent, { type: "package" }>): HookOutcome {
    const { store } = this.#parts;
    const updating = store.scopes.list().flatMap(({ scope, current }) => {
      const images = Object.entries((current && store.releases.get(current)?.images) ?? {});
      const services = images
        .filter(([name]) => hook.services.length === 0 || hook.services.includes(name))
        .filter(([, { reference }]) => repositoryOf(reference) === event.image)
        .map(([name]) => name);
      if (scope.stack !== hook.source || services.length === 0) return [];
      return this.#parts.updateNow(scope, services).map((service) => `${scopeKey(scope)}/${service}`);
    });
    if (updating.length > 0) return { kind: "updating", services: updating };
    return { kind: "ignored", reason: `no service that follows ${event.image} has updates turned on` };
  }

  #accepted(hook: Webhook, by: Actor, accept: () => Run): HookOutcome {
    return this.#parts.store.transaction(() => {
      const run = accept();
      const { id, commit, scope } = run;
      const { environment } = scope;
      this.#audit(by.name, "webhook", hook.source, { run: id, commit, environment, reason: by.reason });
      return { kind: "accepted", run };
    });
  }

  /** A commit that is nowhere to be had would only fail later, where the forge no longer hears of it. */
  async #insistOnCommit(hook: Webhook, commit: string): Promise<void> {
    if (this.#settings(hook).url !== undefined) return;
    const signal = AbortSignal.timeout(gitLimitMs);
    if ((await this.#parts.sources.resolve(hook.source, commit, signal)) === undefined)
      throw webhookError(
        "WEBHOOK_NO_URL",
        `${hook.source} has no ${commit.slice(0, 12)} and no URL to fetch it from`,
      );
  }

  #settings(hook: Webhook) {
    return sourceSettings(this.#parts.store, hook.source);
  }

  /** Writes a refusal down; the caller leaves it out for an address that makes nothing but refusals. */
  refused(call: Omit<HookCall, "request">, error: unknown): void {
    const { kind, name, source, address } = call;
    const code = error instanceof PlatformError ? error.code : "API_INTERNAL";
    const detail = { kind, name, address, code, why: messageOf(error) };
    this.#parts.log("warn", `webhook ${kind} of ${source} refused: ${detail.why}`, detail);
    this.#audit(`webhook ${kind}`, "webhook.refuse", source, detail);
  }

  #audit(actor: string, action: string, target: string, detail: Record<string, unknown>): void {
    this.#parts.store.audit.append({ at: this.#parts.clock.now(), actor, action, target, detail });
  }
}

function servicesOf(hook: Webhook): { services?: readonly string[] } {
  return hook.services.length === 0 ? {} : { services: hook.services };
}

function actorOf(hook: Webhook, reason: string): Actor {
  return { name: hook.name === "all" ? `webhook ${hook.kind}` : `webhook ${hook.kind} ${hook.name}`, reason };
}

/** Of an image reference, in lower case, without tag and digest. */
function repositoryOf(reference: string): string {
  const [named = ""] = reference.split("@");
  return named.replace(/:[^/:]+$/, "").toLowerCase();
}
