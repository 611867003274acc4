import type { ObservedReplica } from "../../runtime/port.ts";
import type { StepWorld } from "./step-world.ts";

/** The life that began before the peer was there, and the one after it if nobody saw when that began. */
const excusedLives = 2;

/**
 * The lives of one replica while it is waited for. Compose files often name no dependencies and count on the restart
 * policy instead, so a program that ends while a peer can't be reached yet is started again; once all peers are
 * there, its end is a verdict.
 */
export class Lives {
  readonly #world: StepWorld;
  readonly #service: string;
  readonly #startsAgain: boolean;
  #startedAt: number | undefined;
  #seen = false;
  #endCounted = false;
  #excused = 0;
  #told = false;

  constructor(world: StepWorld, service: string) {
    this.#world = world;
    this.#service = service;
    this.#startsAgain = startsAgain(world, service);
  }

  /** To be called at every look. */
  endedForGood(replica: ObservedReplica, all: Iterable<ObservedReplica>): boolean {
    const ends = this.#countEnds(replica);
    const peer = this.#startsAgain ? missingPeer(this.#world, this.#service, all) : undefined;
    if (peer !== undefined && !replica.oomKilled) {
      if (ends > 0 && !this.#told)
        this.#world.output(`it ended, but ${peer} is not up yet, so it is started again`);
      this.#told ||= ends > 0;
      this.#excused = excusedLives;
      return false;
    }
    this.#excused -= ends;
    return ends > 0 && this.#excused < 0;
  }

  #countEnds(replica: ObservedReplica): number {
    const isNext = this.#seen && replica.startedAt !== this.#startedAt;
    const missed = isNext && !this.#endCounted ? 1 : 0;
    if (isNext) this.#endCounted = false;
    this.#seen = true;
    this.#startedAt = replica.startedAt;
    if (replica.state !== "exited" || this.#endCounted) return missed;
    this.#endCounted = true;
    return missed + 1;
  }
}

/** Another service of the release that nobody can reach yet. */
function missingPeer(
  world: StepWorld,
  service: string,
  replicas: Iterable<ObservedReplica>,
): string | undefined {
  const routing = world.parts.store.scopes.get(world.scope)?.routing ?? {};
  const ready = new Set(
    [...replicas].filter(({ id }) => world.tracker.isReady(id)).map((replica) => replica.service),
  );
  return world.target.services.find((peer) => {
    if (peer.name === service || peer.oneShot || peer.stopped || peer.replicas === 0) return false;
    const routed = routing[peer.name]?.targets.some((target) => target.weight > 0) ?? false;
    return peer.routed ? !routed : !ready.has(peer.name);
  })?.name;
}

/** Whether the file allows to start a program again that ended; where it says nothing, replicas are kept running. */
function startsAgain(world: StepWorld, service: string): boolean {
  const compose = world.plan.stack.services.find((candidate) => candidate.name === service)?.compose;
  const condition = compose?.restart ?? compose?.deploy?.restart_policy?.condition;
  return condition !== "no" && condition !== "none";
}
