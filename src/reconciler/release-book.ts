import { BoundedCache } from "../lib/bounded-cache.ts";
import type { DesiredRelease } from "../rollout/desired.ts";
import { desiredOf } from "../rollout/desired-of.ts";
import type { ReleaseId, Scope } from "../rollout/ids.ts";
import { type StandIns, withStandIns } from "../rollout/stand-ins.ts";
import type { Stack } from "../stack/stack.ts";
import type { Overrides, Release } from "../store/port.ts";
import { engineError } from "./errors.ts";
import type { EngineParts } from "./parts.ts";

const cacheLimit = 64;

export const noOverrides: Overrides = { scale: {}, stopped: [], restarts: {} };

/** Releases with their resolved stacks. A release never changes, so what was resolved once is kept (bounded). */
export class ReleaseBook {
  readonly #parts: EngineParts;
  readonly #stacks = new BoundedCache<ReleaseId, Stack>(cacheLimit);
  readonly #desired = new BoundedCache<ReleaseId, { overrides: string; desired: DesiredRelease }>(cacheLimit);

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  release(id: ReleaseId): Release {
    const release = this.#parts.store.releases.get(id);
    if (!release) throw engineError("ENGINE_RELEASE_UNKNOWN", `release ${id} does not exist`);
    return release;
  }

  stack(id: ReleaseId): Stack {
    const known = this.#stacks.get(id);
    if (known) return known;
    const release = this.release(id);
    const { stack, problems } = this.#parts.resolve(release.bundle, release.scope.environment, {
      accepted: true,
    });
    if (!stack) {
      const first = problems.find((problem) => problem.severity === "error");
      throw engineError(
        "ENGINE_STACK_INVALID",
        `release v${release.number} no longer resolves: ${first?.message ?? ""}`,
      );
    }
    this.remember(id, stack);
    return stack;
  }

  /** With the volumes that a restore has put in the place of others. */
  stackWith(id: ReleaseId, standIns: StandIns | undefined): Stack {
    return withStandIns(this.stack(id), standIns);
  }

  remember(id: ReleaseId, stack: Stack): void {
    this.#stacks.set(id, stack);
  }

  desired(id: ReleaseId, { scale, stopped, restarts, standIns = {} }: Overrides): DesiredRelease {
    const overrides = JSON.stringify([scale, stopped, restarts, standIns]);
    const known = this.#desired.get(id);
    if (known?.overrides === overrides) return known.desired;
    const { images, fileVersions } = this.release(id);
    const stack = this.stackWith(id, standIns);
    const settings = { scale, stopped, restarts, standIns };
    const desired = desiredOf({ release: id, stack, images, fileVersions, ...settings });
    this.#desired.set(id, { overrides, desired });
    return desired;
  }

  /** What a stack without a release wants: nothing. */
  nothing(scope: Scope): DesiredRelease {
    return { scope, release: "none" as ReleaseId, services: [] };
  }
}
