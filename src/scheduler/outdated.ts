import { mapLimited } from "../lib/limit.ts";
import { messageOf } from "../lib/platform-error.ts";
import { isAllowed } from "../policy/update-channel.ts";
import type { ImageFacts, Registry } from "../registry/port.ts";
import type { ImageDigest, Scope } from "../rollout/ids.ts";
import { parseReference } from "../stack/image-reference.ts";
import type { Service, UpdateChannel } from "../stack/stack.ts";
import { parseVersionTag } from "../stack/version-tag.ts";
import type { PinnedImage, Release, Store } from "../store/port.ts";
import { findNewest } from "./find-newest.ts";
import type { SchedulerParts } from "./parts.ts";
import { servicesOf } from "./updatable.ts";
import type { UpdateApproval } from "./update-approval.ts";
import { type BadImage, UpdateBook } from "./update-book.ts";

const askedAtOnce = 4;

/** One service beside what its registry has. */
export type OutdatedService = {
  service: string;
  /** Rolled out by itself. */
  automatic: boolean;
  channel: UpdateChannel;
  running: PinnedImage;
  newest?: PinnedImage;
  /** `awaiting`: an approval; `built`: here, so no registry knows it; `unknown`: the registry did not answer, or not with this image. */
  state: "current" | "outdated" | "bad" | "refused" | "awaiting" | "rejected" | "built" | "unknown";
  message?: string;
  /** Epoch ms, of the running image. */
  createdAt?: number;
  base?: { name: string; outdated?: boolean };
  polls: number;
  polledAt?: number;
  bad: readonly BadImage[];
};

/** Compares what runs with what the registries have now. Changes nothing, and asks each registry anew. */
export class Outdated {
  readonly #parts: Pick<SchedulerParts, "store" | "resolve" | "registry" | "runtime">;
  readonly #book: UpdateBook;

  constructor(parts: Pick<SchedulerParts, "store" | "resolve" | "registry" | "runtime">) {
    this.#parts = parts;
    this.#book = new UpdateBook(parts.store);
  }

  /** Of the current release; undefined without one. */
  async of(scope: Scope, signal: AbortSignal): Promise<OutdatedService[] | undefined> {
    const release = currentRelease(this.#parts.store, scope);
    if (!release) return undefined;
    const services = servicesOf(release, this.#parts.resolve).filter(
      ({ name }) => release.images[name] !== undefined,
    );
    return await mapLimited(services, askedAtOnce, (service) => this.#compare(release, service, signal));
  }

  async #compare(release: Release, service: Service, signal: AbortSignal): Promise<OutdatedService> {
    const { name, update, compose } = service;
    const { reference, digest } = release.images[name] ?? { reference: "", digest: "" as ImageDigest };
    const channel = update?.channel ?? usualChannel(reference);
    const { polls = 0, polledAt, bad = [], approval } = this.#book.get(release.scope, name) ?? {};
    const known = {
      service: name,
      automatic: update !== undefined && channel.kind !== "pinned",
      channel,
      running: { reference, digest },
      polls,
      ...(polledAt === undefined ? {} : { polledAt }),
      bad,
    };
    if (compose.build || compose.image === undefined || !this.#parts.runtime.capabilities.registryImages)
      return { ...known, state: "built" };
    if (update && !isAllowed(update, parseReference(reference).repository))
      return { ...known, state: "refused", message: "not among the allowed repositories" };
    try {
      const newest = await findNewest(this.#parts.registry, channel, reference, signal);
      const facts = await this.#facts({ reference, digest }, signal);
      const isBad = bad.some((one) => one.digest === newest?.digest);
      const asked = approval !== undefined && approval.digest === newest?.digest ? approval : undefined;
      return {
        ...known,
        ...facts,
        ...(newest ? { newest } : {}),
        state: stateOf(channel, { digest, newest, isBad, asked }),
      };
    } catch (error) {
      return { ...known, state: "unknown", message: messageOf(error) };
    }
  }

  async #facts(
    { reference, digest }: PinnedImage,
    signal: AbortSignal,
  ): Promise<Pick<OutdatedService, "createdAt" | "base">> {
    const { registry } = this.#parts;
    const { repository } = parseReference(reference);
    const platform = { os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch };
    const facts = await registry.describe({ repository, reference: digest }, platform, signal);
    if (!facts) return {};
    const base = facts.base && (await lookAtBase(registry, facts.base, signal));
    return {
      ...(facts.createdAt === undefined ? {} : { createdAt: facts.createdAt }),
      ...(base ? { base } : {}),
    };
  }
}

/** Whether the base image has a newer digest than the one that was built on. */
async function lookAtBase(
  registry: Registry,
  base: NonNullable<ImageFacts["base"]>,
  signal: AbortSignal,
): Promise<NonNullable<OutdatedService["base"]>> {
  const { name, digest } = base;
  if (digest === undefined) return { name };
  const { repository, tag } = parseReference(name);
  if (tag === undefined) return { name };
  // Another registry's trouble must not hide what is known about the image itself.
  const now = await registry.digest({ repository, reference: tag }, signal).catch(() => undefined);
  return { name, ...(now === undefined ? {} : { outdated: now !== digest }) };
}

function stateOf(
  channel: UpdateChannel,
  {
    digest,
    newest,
    isBad,
    asked,
  }: {
    digest: string;
    newest: PinnedImage | undefined;
    isBad: boolean;
    asked: UpdateApproval | undefined;
  },
): OutdatedService["state"] {
  if (channel.kind === "pinned" || newest?.digest === digest) return "current";
  if (newest === undefined) return "unknown";
  if (isBad) return "bad";
  if (asked && asked.decision?.kind !== "approve") return asked.decision ? "rejected" : "awaiting";
  return "outdated";
}

/** What is looked for where the file asks for nothing: the newest of the same minor version, or of the same tag. */
function usualChannel(reference: string): UpdateChannel {
  const { tag, digest } = parseReference(reference);
  if (tag === undefined && digest !== undefined) return { kind: "pinned" };
  const version = parseVersionTag(tag ?? "latest");
  return version?.numbers.length === 3 ? { kind: "patch" } : { kind: "tag", tag: tag ?? "latest" };
}

function currentRelease(store: Store, scope: Scope): Release | undefined {
  const current = store.scopes.get(scope)?.current;
  return current === undefined ? undefined : store.releases.get(current);
}
