import type { Clock } from "../../../lib/clock.ts";
import type { ContainerInspect } from "./engine-types.ts";

/** Nothing is believed for longer, whatever the events said or did not say. */
const believedMs = 60_000;

/**
 * What the engine last said of our containers, so that looking at fifty that do not change costs one call instead of
 * fifty. It answers only while the event stream is open; any event and any change of our own empties it.
 */
export class InspectionCache {
  readonly #clock: Clock;
  readonly #known = new Map<string, { container: ContainerInspect; until: number }>();
  #listening = false;
  #generation = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The event stream is open: from now on changes are heard of. */
  listen(): void {
    this.clear();
    this.#listening = true;
  }

  /** The event stream is gone: anything may have changed unheard. */
  deaf(): void {
    this.#listening = false;
    this.clear();
  }

  clear(): void {
    this.#generation += 1;
    this.#known.clear();
  }

  /** By the engine's id or by name. Asks only for what is not known; an answer that was overtaken by a change is not kept. */
  async get(
    key: string,
    inspect: () => Promise<ContainerInspect | undefined>,
  ): Promise<ContainerInspect | undefined> {
    const known = this.#known.get(key);
    if (known && known.until > this.#clock.now()) return known.container;
    const generation = this.#generation;
    const container = await inspect();
    if (container && this.#listening && generation === this.#generation) {
      const entry = { container, until: this.#clock.now() + believedMs };
      this.#known.set(container.Id, entry);
      this.#known.set(container.Name.replace(/^\//, ""), entry);
    }
    return container;
  }
}
