import type { ServedRequest } from "../edge/port.ts";
import type { ReplicaId, Scope } from "../rollout/ids.ts";
import { AccessSampler } from "./access-sampler.ts";
import { LineBudget } from "./line-budget.ts";
import type { CollectorParts } from "./parts.ts";

/** Makes lines of stream `access` of the requests that the edge served. */
export class AccessCollector {
  readonly #parts: CollectorParts;
  readonly #releaseOf: (replica: ReplicaId) => string;
  readonly #sampler: AccessSampler;
  readonly #budget: LineBudget;

  constructor(parts: CollectorParts, releaseOf: (replica: ReplicaId) => string) {
    this.#parts = parts;
    this.#releaseOf = releaseOf;
    this.#sampler = new AccessSampler(parts.access);
    this.#budget = new LineBudget(parts.limits, parts.clock.now());
  }

  take(request: ServedRequest): void {
    const owner = ownerOf(request.backend);
    if (!owner) return;
    const stands = this.#sampler.weigh(request.backend, request);
    if (stands === 0) return;
    const { at, method, host, path, status, ms, requestId } = request;
    const plain = `${method} ${host}${path} ${status} ${Math.round(ms)} ms${stands > 1 ? ` (one of ${stands})` : ""}`;
    if (!this.#budget.take(plain.length, this.#parts.clock.now())) return;
    const replica = request.target.replace(/:\d+$/, "") as ReplicaId;
    const slow = ms >= this.#parts.access.slowMs;
    const text = this.#parts.mask(owner.scope, plain);
    const level = status >= 500 ? "error" : slow ? "warn" : "info";
    const release = this.#releaseOf(replica);
    const id = this.#parts.mask(owner.scope, requestId);
    this.#parts.logs.append({
      scope: owner.scope,
      lines: [
        {
          ...{ at, service: owner.service, release, replica, stream: "access", level, text },
          ...(id === "" ? {} : { requestId: id }),
        },
      ],
    });
  }
}

/** Of a backend's id, `stack/environment/service:port`. */
function ownerOf(backend: string): { scope: Scope; service: string } | undefined {
  const [, stack, environment, service] = /^([^/]+)\/([^/]+)\/(.+):\d+$/.exec(backend) ?? [];
  if (stack === undefined || environment === undefined || service === undefined) return undefined;
  return { scope: { stack, environment }, service };
}
