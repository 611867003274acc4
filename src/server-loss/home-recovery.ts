import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import type { Repository } from "../backup/port.ts";
import type { Source } from "../backup/source.ts";
import type { PlatformPlace } from "../backup/sources/platform.ts";
import type { Clock } from "../lib/clock.ts";
import { compareManifests } from "../policy/backup-verdict.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";
import { bestOf, type Catalogue, type FoundSnapshot, manifestOf, readCatalogue } from "./catalogue.ts";
import { raiseEpoch } from "./epochs.ts";
import { serverLossError } from "./errors.ts";
import { LossRecords, type RecoveredStack, type Recovery } from "./loss-records.ts";

export type HomeRecoveryParts = {
  repository: Repository;
  /** As given by `--from`. */
  location: string;
  home: string;
  clock: Clock;
  state: Source<PlatformPlace>;
  openStore: (home: string) => Store;
  /** Makes the repository known to the recovered installation under the place where it lies now. */
  adoptRepository: (store: Store) => void;
  onLine: (line: string) => void;
};

export type Choice = { installation?: string; snapshot?: string };

export type Offer = {
  installation: string;
  state: FoundSnapshot;
  catalogue: Catalogue;
};

/**
 * Brings the control plane's home back on an empty host. It is made beside its place and moved there whole: killed
 * anywhere before that, the host is as empty as before; afterwards the recovered control plane goes on by itself.
 */
export class HomeRecovery {
  readonly #parts: HomeRecoveryParts;

  constructor(parts: HomeRecoveryParts) {
    this.#parts = parts;
  }

  /** What there is to come back. */
  async look(choice: Choice, signal: AbortSignal): Promise<Offer> {
    const { repository, location } = this.#parts;
    await repository.open(signal, { mustExist: true });
    const catalogue = await readCatalogue(repository, signal);
    const known = [...catalogue.states.keys()];
    const [only] = known;
    if (only === undefined)
      throw serverLossError("RECOVER_NO_STATE", `${location} holds no copy of a control plane's state`);
    if (choice.installation === undefined && known.length > 1)
      throw serverLossError(
        "RECOVER_SEVERAL",
        `${location} holds several installations: ${known.join(", ")}`,
      );
    const installation = choice.installation ?? only;
    const states = catalogue.states.get(installation) ?? [];
    const { snapshot } = choice;
    const state =
      snapshot === undefined ? bestOf(states) : states.find((one) => one.snapshot.id.startsWith(snapshot));
    if (!state)
      throw serverLossError("RECOVER_NO_STATE", `${location} holds no such state of ${installation}`);
    return { installation, state, catalogue };
  }

  /** Refuses where something lies already, before anything is changed. */
  async assertEmpty(): Promise<void> {
    const { home } = this.#parts;
    const names = await readdir(home).catch(() => []);
    if (names.length > 0)
      throw serverLossError("RECOVER_NOT_EMPTY", `${home} is not empty: ${names.slice(0, 5).join(", ")}`);
  }

  /** The old host is fenced first: from here on there must not be two. */
  async carryOut({ installation, state }: Offer, signal: AbortSignal): Promise<Recovery> {
    const { repository, location, home, clock, onLine } = this.#parts;
    const startedAt = clock.now();
    await this.assertEmpty();
    const reason = "recover";
    const epoch = await raiseEpoch(repository, { installation, reason, now: startedAt }, signal);
    onLine(`fenced: only epoch ${epoch} may serve from now on`);
    const staging = `${home}.recovering`;
    await rm(staging, { recursive: true, force: true });
    await this.#restore(state, staging, signal);
    onLine(`state of ${new Date(state.snapshot.takenAt).toISOString()} opened and checked`);
    const recovery = this.#prepare(staging, {
      ...{ state: "running", startedAt, repository: location, snapshot: state.snapshot.id },
      ...{ takenAt: state.snapshot.takenAt, epoch, stacks: [] },
    });
    if (existsSync(home)) await rmdir(home);
    await rename(staging, home);
    return recovery;
  }

  async #restore(state: FoundSnapshot, staging: string, signal: AbortSignal): Promise<void> {
    const { repository, state: source } = this.#parts;
    await mkdir(staging, { recursive: true, mode: 0o711 });
    await source.restore(repository.read(state.snapshot.id, signal), { home: staging }, signal);
    const held = await source.inspect({ home: staging }, signal);
    const before = await manifestOf(repository, state, signal);
    const differences = before ? compareManifests(before, held) : [];
    if (differences.length > 0)
      throw serverLossError("RECOVER_DAMAGED", `the copy differs from what was copied: ${differences[0]}`);
  }

  /** What was true of the old host only is taken out; what is to come back is written down. */
  #prepare(staging: string, recovery: Recovery): Recovery {
    const { openStore, clock, adoptRepository } = this.#parts;
    const store = openStore(staging);
    try {
      return store.transaction(() => {
        const records = new LossRecords(store);
        const { id } = records.installation(() => "");
        records.put("installation", { id, epoch: recovery.epoch });
        records.remove("fenced");
        endUnfinished(store, clock.now());
        adoptRepository(store);
        const stacks = store.scopes.list().flatMap((scope) => emptied(store, scope.scope));
        const whole = { ...recovery, stacks };
        records.put("recovery", whole);
        const detail = { epoch: recovery.epoch, snapshot: recovery.snapshot, takenAt: recovery.takenAt };
        const entry = { actor: "local operator", action: "recover", target: "platform", detail };
        store.audit.append({ at: clock.now(), ...entry });
        return whole;
      });
    } finally {
      store.close();
    }
  }
}

/** No replica, address or route of the old host is here; all is stopped until its data is back. */
function emptied(store: Store, scope: RecoveredStack["scope"]): RecoveredStack[] {
  const state = store.scopes.get(scope);
  const release = state?.current && store.releases.get(state.current);
  if (!state || !release) {
    store.scopes.remove(scope);
    return [];
  }
  const services = Object.keys(release.images);
  store.scopes.update(scope, ({ standIns: _gone, ...rest }) => ({
    ...rest,
    warm: [],
    routing: {},
    addresses: [],
    stopped: [...new Set([...state.stopped, ...services])].sort(),
  }));
  // The old host's lease would keep the stack's loop waiting.
  const lease = `scope:${scopeKey(scope)}`;
  if (store.leases.acquire(lease, "recover", 0, Number.MAX_SAFE_INTEGER))
    store.leases.release(lease, "recover");
  const { id, number } = release;
  const start = { state: "waiting", phase: "images", items: [], routes: [] } as const;
  return [{ scope, release: id, number, stopped: state.stopped, ...start }];
}

function endUnfinished(store: Store, now: number): void {
  for (const { id } of store.deployments.unfinished("all")) {
    const message = "the server was lost while it ran";
    const failure = { code: "SERVER_LOST", message };
    store.deployments.update(id, { state: "aborted", finishedAt: now, failure });
    store.deployments.append({ deployment: id, at: now, event: "stateChanged", state: "aborted", message });
  }
}
