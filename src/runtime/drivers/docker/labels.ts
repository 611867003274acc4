import type { ImageDigest, ReleaseId, ReplicaId, Revision, Scope } from "../../../rollout/ids.ts";
import type { ReplicaSpec } from "../../port.ts";

/**
 * Every object the driver creates carries these, and only objects that carry `managed-by` are ever listed or touched.
 * Compose's own labels (`com.docker.compose.*`) are left out on purpose: with them, `docker compose up` or `down` in
 * the project's folder would recreate or remove running replicas.
 */
export const label = {
  managedBy: "roadstead.managed-by",
  stack: "roadstead.stack",
  environment: "roadstead.environment",
  service: "roadstead.service",
  revision: "roadstead.revision",
  ordinal: "roadstead.ordinal",
  release: "roadstead.release",
  image: "roadstead.image",
  /** Network through which the host reaches the container; `host` without one of its own. */
  reach: "roadstead.reach",
  /** Present on job containers, which are no replicas. */
  job: "roadstead.job",
  /** `pre_stop` hooks as JSON: whoever stops the replica has no Compose file at hand. */
  preStop: "roadstead.pre-stop",
  /** Compose key of a network or volume. */
  key: "roadstead.key",
} as const;

export type Owner = string;

export function scopeLabels(owner: Owner, scope: Scope): Record<string, string> {
  return {
    [label.managedBy]: owner,
    [label.stack]: scope.stack,
    [label.environment]: scope.environment,
  };
}

export function replicaLabels(owner: Owner, spec: ReplicaSpec): Record<string, string> {
  return {
    ...scopeLabels(owner, spec.scope),
    [label.service]: spec.service,
    [label.revision]: spec.revision,
    [label.ordinal]: String(spec.ordinal),
    [label.release]: spec.release,
    [label.image]: spec.image.digest,
  };
}

/** The `filters` query value that selects the objects of a scope, or all of ours. */
export function scopeFilter(owner: Owner, scope: Scope | "all", extra: readonly string[] = []): string {
  const labels = [`${label.managedBy}=${owner}`];
  if (scope !== "all") {
    labels.push(`${label.stack}=${scope.stack}`, `${label.environment}=${scope.environment}`);
  }
  return JSON.stringify({ label: [...labels, ...extra] });
}

export type ReplicaIdentity = {
  id: ReplicaId;
  scope: Scope;
  service: string;
  revision: Revision;
  ordinal: number;
  release: ReleaseId;
  imageDigest?: ImageDigest;
};

/** Who a container is, by its labels; `undefined` when they do not say it all. */
export function identityOf(
  name: string,
  labels: Readonly<Record<string, string>> | null,
): ReplicaIdentity | undefined {
  const text = (key: string) => labels?.[key] ?? "";
  const ordinal = Number(text(label.ordinal));
  if (text(label.service) === "" || text(label.revision) === "" || !Number.isInteger(ordinal))
    return undefined;
  const image = text(label.image);
  return {
    id: name.replace(/^\//, "") as ReplicaId,
    scope: { stack: text(label.stack), environment: text(label.environment) },
    service: text(label.service),
    revision: text(label.revision) as Revision,
    ordinal,
    release: text(label.release) as ReleaseId,
    ...(image === "" ? {} : { imageDigest: image as ImageDigest }),
  };
}
