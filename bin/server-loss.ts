import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PlatformSource, stagingPrefix } from "../src/backup/sources/platform.ts";
import { PostgresSource } from "../src/backup/sources/postgres.ts";
import { messageOf } from "../src/lib/platform-error.ts";
import type { News } from "../src/notify/news.ts";
import { coverage } from "../src/policy/backup-coverage.ts";
import type { ControlEngine } from "../src/reconciler/control-engine.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import { archiveFolder, fillFolder } from "../src/runtime/folder-tar.ts";
import { Fence } from "../src/server-loss/fence.ts";
import { ImageMirror } from "../src/server-loss/image-mirror.ts";
import { StackRecovery } from "../src/server-loss/stack-recovery.ts";
import { StateKeeper } from "../src/server-loss/state-keeper.ts";
import { copyStore, holdingsOf } from "../src/store/drivers/sqlite-holdings.ts";
import type { RepositoryBook } from "../src/vault/repository-book.ts";
import { servingPlace } from "../src/vault/throw-away.ts";
import { servingDatabase } from "./databases.ts";

export type ServerLossWorks = {
  fence: Fence;
  states: StateKeeper;
  mirror: ImageMirror;
  recovery: StackRecovery;
};

type Parts = EngineParts & {
  engine: ControlEngine;
  repositories: RepositoryBook;
  notify: (news: News) => void;
  /** Ends all that works by itself. */
  halt: () => Promise<void>;
};

/** The state of this installation as a source, out of real drivers. */
export function platformSource(now: () => number): PlatformSource {
  return new PlatformSource({
    now,
    copyStore,
    holdings: holdingsOf,
    archive: (folder, signal) => archiveFolder(folder, { exclude: [] }, signal),
    fill: fillFolder,
  });
}

/** What a lost server is brought back from, and what keeps two of them apart. */
export function makeServerLoss(home: string, parts: Parts): ServerLossWorks {
  const { store, clock, runtime, edge, settings, ids, engine, repositories, log, notify } = parts;
  removeStagings(home, log);
  const chosen = async (signal: AbortSignal) => {
    const name = repositories.chosen(undefined)?.name;
    return name === undefined ? undefined : { name, repository: await repositories.open(name, signal) };
  };
  const repository = async (signal: AbortSignal) => (await chosen(signal))?.repository;
  const newId = () => ids.next("inst");
  const { http, https, certificates } = settings;
  const edgeBase = { certificates, ...(http ? { http } : {}), ...(https ? { https } : {}) };
  const fence = new Fence({
    ...{ store, clock, runtime, edge, edgeBase, newId, repository, log },
    onFenced: parts.halt,
  });
  const mirror = new ImageMirror(store, runtime);
  const state = platformSource(clock.now);
  const states = new StateKeeper({
    ...{ store, clock, home, newId, state, mirror, fence, notify, log },
    repository: chosen,
  });
  const recovery = new StackRecovery({
    ...{ store, clock, runtime, engine, coverage, repository, fillFolder, log },
    resolve: (bundle, environment) => parts.resolve(bundle, environment, { accepted: true }),
    databases: { postgres: new PostgresSource() },
    placeOf: (kept, signal) => servingPlace(runtime, servingDatabase({ store }, kept), signal),
    request: parts.request,
  });
  return { fence, states, mirror, recovery };
}

/** Copies that a killed process has left hold the key. */
function removeStagings(home: string, log: EngineParts["log"]): void {
  try {
    for (const name of readdirSync(home))
      if (name.startsWith(stagingPrefix)) rmSync(join(home, name), { recursive: true, force: true });
  } catch (error) {
    log("warn", `copies of the state that were left could not be removed: ${messageOf(error)}`);
  }
}
