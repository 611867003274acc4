import type { Dump, Source } from "../backup/source.ts";
import type { DatabasePlace } from "../backup/sources/database-place.ts";
import type { Clock } from "../lib/clock.ts";
import type { CheckResult } from "../policy/backup-verdict.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Store } from "../store/port.ts";
import type { KeptSource, Proof, SourceKeeper } from "./source-keeper.ts";
import {
  removeThrowAway,
  type ServingDatabase,
  servingPlace,
  throwAwayScope,
  withThrowAway,
} from "./throw-away.ts";

/** A source that can also answer an operator's own questions. */
export interface DatabaseSource extends Source<DatabasePlace> {
  check(place: DatabasePlace, checks: readonly string[], signal: AbortSignal): Promise<CheckResult[]>;
}

export type DatabaseKeeperParts = {
  runtime: Runtime;
  store: Pick<Store, "records">;
  clock: Clock;
  source: DatabaseSource;
  /** The database as its current release has it, secrets included. */
  servingOf: (kept: KeptSource) => ServingDatabase;
};

const collection = "backup-throw-away-databases";

/** Databases are copied where they serve, and proven in a throw-away instance of the same image. */
export class DatabaseKeeper implements SourceKeeper {
  readonly #parts: DatabaseKeeperParts;

  constructor(parts: DatabaseKeeperParts) {
    this.#parts = parts;
  }

  async dump(kept: KeptSource, signal: AbortSignal): Promise<Dump> {
    const { runtime, source, servingOf } = this.#parts;
    return await source.dump(await servingPlace(runtime, servingOf(kept), signal), signal);
  }

  async prove(
    kept: KeptSource,
    content: AsyncIterable<Uint8Array>,
    { proof }: { proof: string },
    signal: AbortSignal,
  ): Promise<Proof> {
    const { runtime, store, clock, source, servingOf } = this.#parts;
    const work = async (place: DatabasePlace): Promise<Proof> => {
      await source.restore(content, place, signal);
      const manifest = await source.inspect(place, signal);
      return { manifest, checks: await source.check(place, kept.source.checks, signal) };
    };
    // Written down first: a killed control plane must know what it has left, volumes without a replica too.
    store.records.put(collection, proof, throwAwayScope(kept.scope, proof));
    try {
      return await withThrowAway(runtime, servingOf(kept), work, { id: proof, clock, signal });
    } finally {
      store.records.remove(collection, proof);
    }
  }

  async removeLeftovers(signal: AbortSignal): Promise<void> {
    const { runtime, store } = this.#parts;
    for (const { key, value } of store.records.list<Scope>(collection)) {
      await removeThrowAway(runtime, value, signal);
      store.records.remove(collection, key);
    }
  }
}
