import { MemoryRepository } from "../backup/drivers/memory.ts";
import type { Repository } from "../backup/port.ts";
import { countingIds } from "../lib/ids.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import type { News } from "../notify/news.ts";
import type { Manifest } from "../policy/backup-manifest.ts";
import type { ReleaseId, Scope } from "../rollout/ids.ts";
import type { Stack } from "../stack/stack.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import type { Store } from "../store/port.ts";
import type { BackupRun } from "./backup-run.ts";
import type { VaultParts } from "./parts.ts";
import { RepositoryBook } from "./repository-book.ts";
import type { KeptSource, SourceKeeper } from "./source-keeper.ts";
import { Vault } from "./vault.ts";

export const shop: Scope = { stack: "shop", environment: "production" };

/** Tables with numbers of rows, as a database has them; places of proofs are visible until they are removed. */
export class TableKeeper implements SourceKeeper {
  tables: Record<string, number> = { users: 1000, orders: 400 };
  readonly places = new Set<string>();
  /** Lost on the way into the throw-away place. */
  loses: string | undefined;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  async dump() {
    const text = JSON.stringify(this.tables);
    return { content: chunk(text), manifest: async () => manifestOf(text, this.#clock.now()) };
  }

  async prove(_kept: KeptSource, content: AsyncIterable<Uint8Array>, { proof }: { proof: string }) {
    this.places.add(proof);
    try {
      const chunks: Uint8Array[] = [];
      for await (const one of content) chunks.push(one);
      const text = Buffer.concat(chunks).toString("utf8");
      const manifest = manifestOf(text, this.#clock.now());
      return {
        manifest: { ...manifest, parts: manifest.parts.filter(({ name }) => name !== this.loses) },
        checks: [],
      };
    } finally {
      this.places.delete(proof);
    }
  }

  async removeLeftovers(): Promise<void> {
    this.places.clear();
  }
}

function manifestOf(text: string, takenAt: number): Manifest {
  const tables = JSON.parse(text) as Record<string, number>;
  return {
    engine: "tables",
    takenAt,
    sizeBytes: text.length,
    parts: Object.entries(tables).map(([name, rows]) => ({ name, rows })),
  };
}

async function* chunk(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}

/** One stack with a database, a repository and a clock that is turned by hand. */
export class VaultStage {
  readonly clock = new ManualClock(Date.UTC(2026, 10, 20, 12));
  readonly store: Store = createMemoryStore();
  readonly repository = new MemoryRepository();
  readonly keeper = new TableKeeper(this.clock);
  readonly news: News[] = [];
  readonly ids = countingIds();
  backups: Stack["backups"];
  vault: Vault;

  constructor() {
    this.store.releases.create({
      id: "rel_1" as ReleaseId,
      scope: shop,
      createdAt: 0,
      label: "",
      bundle: { projectDirectory: "/", composeFiles: [], texts: {}, variables: {}, profiles: [] },
      configHash: "",
      images: {},
      fileVersions: {},
    });
    this.store.scopes.update(shop, (state) => ({ ...state, current: "rel_1" as ReleaseId }));
    this.vault = this.open();
  }

  /** A control plane that starts over the same store and repository, or over what stands between. */
  open(between: { store?: Store; repository?: Repository; keeper?: SourceKeeper } = {}): Vault {
    const { store = this.store, repository = this.repository, keeper = this.keeper } = between;
    const parts: VaultParts = {
      store,
      clock: this.clock,
      ids: this.ids,
      resolve: () => ({ stack: this.#stack() }),
      repositories: new RepositoryBook(store, () => repository),
      keepers: { postgres: keeper },
      notify: (news) => void this.news.push(news),
      mask: (_scope, text) => text,
      log: () => undefined,
    };
    this.vault = new Vault(parts);
    return this.vault;
  }

  async addRepository(): Promise<void> {
    const book = new RepositoryBook(this.store, () => this.repository);
    const wanted = { name: "main", location: "/backups", credentials: {} };
    await book.add(wanted, this.clock.now(), AbortSignal.timeout(5_000));
  }

  /** Lets everything that does not wait for the clock happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async backUp(): Promise<BackupRun> {
    const [queued] = this.vault.request(shop, [], { requestedBy: "ada", reason: "" });
    await this.settle();
    return this.vault.find(queued?.id ?? "");
  }

  #stack(): Stack {
    const service = { name: "db", compose: { image: "postgres:16" } } as Stack["services"][number];
    return {
      name: "shop",
      environment: "production",
      services: [service],
      networks: {},
      volumes: {},
      files: [],
      ...(this.backups ? { backups: this.backups } : {}),
    };
  }
}
