import type { UpdateVerdict } from "../policy/update-channel.ts";
import type { DeploymentId, ImageDigest, Scope } from "../rollout/ids.ts";
import { scopeKey } from "../rollout/ids.ts";
import type { PinnedImage, Store } from "../store/port.ts";
import type { UpdateApproval } from "./update-approval.ts";

/** An image that was rolled out by itself and went back: never tried again. */
export type BadImage = { digest: ImageDigest; deployment: DeploymentId; at: number; message: string };

/** What is known about the updates of one service. */
export type UpdateRecord = {
  nextAt: number;
  polls: number;
  polledAt?: number;
  /** Of the registry, in a row. */
  failures: number;
  error?: string;
  /** What the last poll came to; `refused`: not among the allowed repositories. */
  verdict?: UpdateVerdict | "refused";
  newest?: PinnedImage;
  bad: readonly BadImage[];
  /** Of the newest image, where the environment asks for it. */
  approval?: UpdateApproval;
  /** The update under way. */
  rolling?: PinnedImage & { deployment: DeploymentId; previous: ImageDigest };
};

const collection = "updates";
/** Of each service; the oldest are forgotten, a registry hardly serves them again. */
const badLimit = 100;
/** More services than this on one host would be another product. */
const recordLimit = 10_000;

/** The records of all services that ask for updates. */
export class UpdateBook {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get(scope: Scope, service: string): UpdateRecord | undefined {
    return this.#store.records.get<UpdateRecord>(collection, updateKey(scope, service));
  }

  put(scope: Scope, service: string, record: UpdateRecord): void {
    const bad = record.bad.slice(-badLimit);
    this.#store.records.put<UpdateRecord>(collection, updateKey(scope, service), { ...record, bad });
  }

  /** Forgets services that are gone. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const { key } of this.#store.records.list(collection, { limit: recordLimit }))
      if (!keys.has(key)) this.#store.records.remove(collection, key);
  }
}

export function updateKey(scope: Scope, service: string): string {
  return `${scopeKey(scope)}/${service}`;
}
