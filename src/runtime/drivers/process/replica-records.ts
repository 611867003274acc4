import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";
import type { ImageDigest, ReleaseId, ReplicaId, Revision, Scope } from "../../../rollout/ids.ts";
import type { StoredImage } from "./image-store.ts";
import type { ProcessIdentity } from "./process-table.ts";
import type { PathMapping } from "./real-paths.ts";
import type { RunAs } from "./run-child.ts";
import { Serial } from "./serial.ts";

/** Carried by every process of a replica from its start: finds it when the control plane died before noting its pid. */
export const startVariable = "ROADSTEAD_START";

/** What is known of a replica, durable; holds no secret. */
export type ReplicaRecord = {
  id: ReplicaId;
  scope: Scope;
  service: string;
  revision: Revision;
  ordinal: number;
  release: ReleaseId;
  imageDigest: ImageDigest;
  kind: StoredImage["kind"];
  state: "created" | "running" | "exited";
  /** Value of `ROADSTEAD_START` in its environment; a new one each start. */
  startMark: string;
  process?: ProcessIdentity;
  startedAt?: number;
  exitedAt?: number;
  exitCode?: number;
  host: string;
  /** Its PORT. */
  assignedPort: number;
  portMap: Record<number, number>;
  cwd: string;
  mappings: readonly PathMapping[];
  stopSignal: NodeJS.Signals;
  runAs?: RunAs;
};

/** The replicas of this host in memory, written through to one file each. */
export class ReplicaRecords {
  readonly #folder: string;
  readonly #records = new Map<ReplicaId, ReplicaRecord>();
  readonly #writes = new Serial();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async load(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (!name.endsWith(".json")) continue;
      const record = JSON.parse(await readFile(join(this.#folder, name), "utf8")) as ReplicaRecord;
      this.#records.set(record.id, record);
    }
  }

  all(): ReplicaRecord[] {
    return [...this.#records.values()];
  }

  get(id: ReplicaId): ReplicaRecord | undefined {
    return this.#records.get(id);
  }

  /** Writes the record as it is when its turn comes, unless it was removed meanwhile. */
  save(record: ReplicaRecord): Promise<void> {
    this.#records.set(record.id, record);
    return this.#writes.run(record.id, async () => {
      if (this.#records.get(record.id) !== record) return;
      await writeFileAtomic(join(this.#folder, `${record.id}.json`), `${JSON.stringify(record)}\n`);
    });
  }

  remove(id: ReplicaId): Promise<void> {
    this.#records.delete(id);
    return this.#writes.run(id, async () => {
      await rm(join(this.#folder, `${id}.json`), { force: true });
      await rm(this.folderOf(id), { recursive: true, force: true });
    });
  }

  /** The environment that the replica's program got, for programs run beside it. As secret as its secret files. */
  async environmentOf(id: ReplicaId): Promise<Record<string, string>> {
    const text = await readFile(join(this.folderOf(id), "environment.json"), "utf8");
    return JSON.parse(text) as Record<string, string>;
  }

  async saveEnvironment(id: ReplicaId, environment: Readonly<Record<string, string>>): Promise<void> {
    await writeFileAtomic(join(this.folderOf(id), "environment.json"), JSON.stringify(environment), 0o600);
  }

  /** Files that belong to one replica: secrets, anonymous volumes, its home. */
  folderOf(id: ReplicaId | string): string {
    return join(this.#folder, `${id}.d`);
  }
}
