import { describe, expect, it } from "vitest";
import { MemoryEdge } from "../edge/drivers/memory.ts";
import type { EdgeConfig } from "../edge/port.ts";
import type { Scope } from "../rollout/ids.ts";
import type { ScopeState } from "../store/port.ts";
import { EdgeDirector } from "./edge-director.ts";
import { ReleaseBook } from "./release-book.ts";
import { World } from "./world-support.ts";

const { signal } = new AbortController();

/** Takes each configuration over only when it is let go, and refuses those that stop a service called `bad`. */
class SlowEdge extends MemoryEdge {
  readonly #waiting: (() => void)[] = [];
  refuses: () => boolean = () => false;

  override async apply(config: EdgeConfig, version: number, during: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.refuses()) throw new Error("the edge refuses it");
    await super.apply(config, version, during);
  }

  async letGo(): Promise<void> {
    await settle();
    this.#waiting.shift()?.();
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function setup() {
  const world = new World();
  const edge = new SlowEdge();
  const parts = { ...world.parts(), edge };
  const director = new EdgeDirector(parts, new ReleaseBook(parts));
  const stopped = (stack: string) => world.store.scopes.get(of(stack))?.stopped;
  return { world, edge, director, stopped };
}

const of = (stack: string): Scope => ({ stack, environment: "production" });
const stop = (service: string) => (state: ScopeState) => ({
  ...state,
  stopped: [...new Set([...state.stopped, service])],
});

describe("edge director", () => {
  it("sends what came while the edge was busy as one configuration", async () => {
    const { edge, director, stopped } = setup();
    const first = director.change(of("shop"), stop("a"), signal);
    await settle();
    const changes = ["b", "c", "d"].map((service) => director.change(of("shop"), stop(service), signal));
    await edge.letGo();
    await first;
    expect(edge.history).toHaveLength(1);
    await edge.letGo();
    await Promise.all(changes);
    expect(edge.history).toHaveLength(2);
    expect(stopped("shop")).toEqual(["a", "b", "c", "d"]);
  });

  it("asks for each alone when the edge refuses them together, so that the others do not suffer", async () => {
    const { world, edge, director, stopped } = setup();
    edge.refuses = () => world.store.scopes.get(of("bad"))?.routing["web"] !== undefined;
    const route = (state: ScopeState) => ({
      ...state,
      routing: { web: { release: "r" as never, targets: [], hold: false, holdSeconds: 1 } },
    });
    world.store.scopes.update(of("bad"), (state) => state);
    const first = director.change(of("shop"), stop("a"), signal);
    await settle();
    const good = director.change(of("shop"), stop("b"), signal);
    const bad = director.change(of("bad"), (state) => ({ ...route(state) }), signal);
    const refused = expect(bad).rejects.toThrow();
    await edge.letGo();
    await first;
    for (let turn = 0; turn < 4; turn += 1) await edge.letGo();
    await good;
    await refused;
    expect(stopped("shop")).toEqual(["a", "b"]);
    expect(world.store.scopes.get(of("bad"))?.routing).toEqual({});
  });
});
