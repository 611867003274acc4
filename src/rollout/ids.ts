/** Branded ids: a release is never passed where a deployment is meant. */
export type ReleaseId = string & { readonly brand: "ReleaseId" };
export type DeploymentId = string & { readonly brand: "DeploymentId" };
/**
 * Deterministic: `<stack>-<environment>-<service>-<revision>-<ordinal>`, so that asking twice for the same replica
 * is safe and a human can read it in `docker ps`.
 */
export type ReplicaId = string & { readonly brand: "ReplicaId" };
/** The first 10 hex digits of a service's configuration hash: same revision, interchangeable replicas. */
export type Revision = string & { readonly brand: "Revision" };
/** `sha256:<64 hex>`. */
export type ImageDigest = string & { readonly brand: "ImageDigest" };

/** One stack in one environment: the unit of leases, releases and routing. */
export type Scope = { stack: string; environment: string };

export function scopeKey(scope: Scope): string {
  return `${scope.stack}/${scope.environment}`;
}

export function replicaId(scope: Scope, service: string, revision: Revision, ordinal: number): ReplicaId {
  return `${scope.stack}-${scope.environment}-${service}-${revision}-${ordinal}` as ReplicaId;
}
