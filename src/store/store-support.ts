import type { DeploymentId, ImageDigest, ReleaseId, Scope } from "../rollout/ids.ts";
import type { Bundle, Deployment, DeployRequest, Release } from "./port.ts";

/** Builders for tests: a value that is complete, with what the test is about laid over it. */

export const shop: Scope = { stack: "shop", environment: "production" };
export const shopStaging: Scope = { stack: "shop", environment: "staging" };

export function aBundle(changes: Partial<Bundle> = {}): Bundle {
  return {
    projectDirectory: "/srv/shop",
    composeFiles: ["/srv/shop/compose.yaml"],
    texts: { "/srv/shop/compose.yaml": "services: {web: {image: nginx}}" },
    variables: { TAG: "1" },
    profiles: [],
    ...changes,
  };
}

export function aRequest(changes: Partial<DeployRequest> = {}): DeployRequest {
  return { bundle: aBundle(), label: "first", services: [], fileVersions: {}, ...changes };
}

export function aRelease(
  id: string,
  changes: Partial<Omit<Release, "number">> = {},
): Omit<Release, "number"> {
  return {
    id: id as ReleaseId,
    scope: shop,
    createdAt: 1_700_000_000_000,
    label: id,
    bundle: aBundle(),
    configHash: "c0ffee",
    images: {
      web: {
        digest: `sha256:${"a".repeat(64)}` as ImageDigest,
        reference: "nginx:1.27",
        description: "nginx 1.27",
        exposedPorts: [80],
      },
    },
    fileVersions: {},
    ...changes,
  };
}

export function aDeployment(id: string, changes: Partial<Deployment> = {}): Deployment {
  return {
    id: id as DeploymentId,
    scope: shop,
    kind: "deploy",
    state: "queued",
    requestedBy: "ada",
    reason: "",
    createdAt: 1_700_000_000_000,
    ...changes,
  };
}
