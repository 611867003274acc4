import { join } from "node:path";
import { ResticRepository } from "../src/backup/drivers/restic.ts";
import { SqliteSource } from "../src/backup/sources/sqlite.ts";
import type { News } from "../src/notify/news.ts";
import type { Reading } from "../src/policy/alert-rule.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import { scopeKey } from "../src/rollout/ids.ts";
import { type StandIns, withStandIns } from "../src/rollout/stand-ins.ts";
import type { Stack } from "../src/stack/stack.ts";
import type { Store } from "../src/store/port.ts";
import type { SourceFact } from "../src/vault/plan-book.ts";
import { RepositoryBook } from "../src/vault/repository-book.ts";
import { SqliteKeeper } from "../src/vault/sqlite-keeper.ts";
import { Vault } from "../src/vault/vault.ts";
import { VolumeKeeper } from "../src/vault/volume-keeper.ts";
import { databaseKeepers } from "./databases.ts";

export type VaultWorks = {
  vault: Vault;
  repositories: RepositoryBook;
  /** Late and doubtful backups, for the alert rules. */
  facts: () => { age: readonly Reading[]; suspect: readonly Reading[] };
};

/** Backups out of real drivers. Each kind of source is named here and nowhere else. */
export function makeVault(home: string, parts: EngineParts & { notify: (news: News) => void }): VaultWorks {
  const { store, clock, ids, runtime, resolve, notify, mask, log } = parts;
  const cacheFolder = join(home, "backup-cache");
  const repositories = new RepositoryBook(
    store,
    ({ location, password, credentials }) =>
      new ResticRepository({ program: "restic", location, password, credentials, cacheFolder }),
  );
  const volumes = new VolumeKeeper({ runtime, store, clock });
  const sqlite = new SqliteSource(join(home, "backup-work"), clock.now);
  const vault = new Vault({
    store,
    clock,
    ids,
    resolve: (bundle, environment) => {
      const { stack } = resolve(bundle, environment, { accepted: true });
      // What is copied are the volumes that serve, also after a restore has replaced some.
      return stack ? { stack: withStandIns(stack, standInsOf(store, stack)) } : {};
    },
    repositories,
    keepers: {
      volume: volumes,
      bind: volumes,
      sqlite: new SqliteKeeper(runtime, sqlite),
      ...databaseKeepers(parts),
    },
    notify,
    mask: (scope, text) => mask?.(scope, text) ?? text,
    log,
  });
  return {
    vault,
    repositories,
    facts: () => {
      const { age, suspect } = vault.facts();
      return { age: age.map(reading), suspect: suspect.map(reading) };
    },
  };
}

function standInsOf(store: Store, { name, environment }: Stack): StandIns | undefined {
  return store.scopes.get({ stack: name, environment })?.standIns;
}

function reading({ scope, source, value, words }: SourceFact): Reading {
  const subject = { scope: scopeKey(scope), service: source };
  return { subject, value, ...(words === undefined ? {} : { words }) };
}
