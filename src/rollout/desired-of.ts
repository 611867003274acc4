import { canonicalJson, sha256 } from "../lib/hash.ts";
import type { ComposeService } from "../stack/compose-model.ts";
import type { Service, Stack } from "../stack/stack.ts";
import type { DesiredRelease, DesiredService } from "./desired.ts";
import type { ReleaseId, Revision } from "./ids.ts";
import { type StandIns, standInsOf } from "./stand-ins.ts";

export type DesiredInput = {
  release: ReleaseId;
  stack: Stack;
  /** Service -> image digest; absent while it is not resolved. */
  images: Readonly<Record<string, { digest: string }>>;
  /** Secret or config -> version. */
  fileVersions: Readonly<Record<string, string>>;
  scale: Readonly<Record<string, number>>;
  stopped: readonly string[];
  restarts: Readonly<Record<string, number>>;
  /** Already in place in the stack. */
  standIns?: StandIns;
};

/** What a release wants to run, with the operator's settings on top. */
export function desiredOf(input: DesiredInput): DesiredRelease {
  const { stack, release } = input;
  return {
    scope: { stack: stack.name, environment: stack.environment },
    release,
    services: stack.services
      .filter((service) => service.kind !== "static")
      .map((service) => desiredService(input, service)),
  };
}

function desiredService(input: DesiredInput, service: Service): DesiredService {
  const scaled = input.scale[service.name];
  const oneShot = service.kind === "job";
  return {
    name: service.name,
    revision: revisionOf(input, service),
    replicas: service.strategy === "singleton" ? Math.min(1, scaled ?? 1) : (scaled ?? service.replicas),
    stopped: input.stopped.includes(service.name),
    strategy: service.strategy,
    database: service.kind === "database",
    oneShot,
    routed: !oneShot && isRouted(service),
    ...(service.canary ? { canary: service.canary } : {}),
    keepWarmSeconds: service.keepWarmSeconds,
    drainSeconds: service.drainSeconds,
    readyTimeoutSeconds: service.readyTimeoutSeconds,
    stopGraceSeconds: service.stopGraceSeconds,
    holdSeconds: service.holdSeconds,
    dependsOn: service.dependsOn,
    ...(service.releaseJob ? { releaseJob: { timeoutSeconds: service.releaseJob.timeoutSeconds } } : {}),
    hasSmoke: service.smoke.length > 0,
  };
}

/** Reached through the edge: by a public route, a published port that the edge serves, or its stable internal address. */
export function isRouted(service: Service): boolean {
  return (
    service.routes.length > 0 ||
    service.ports.some((port) => port.published?.by === "edge") ||
    (service.addressing === "proxied" && service.ports.some((port) => port.protocol !== "udp"))
  );
}

/** Keys that change how a service is rolled out or built, not what a replica is. */
const notOfTheReplica = new Set([
  "build",
  "image",
  "depends_on",
  "scale",
  "profiles",
  "develop",
  "pull_policy",
]);

function revisionOf(input: DesiredInput, service: Service): Revision {
  const granted = [...(service.compose.secrets ?? []), ...(service.compose.configs ?? [])].map(
    (grant) => grant.source,
  );
  const standIns = standInsOf(service, input.standIns);
  const identity = {
    compose: replicaKeys(service.compose),
    image: input.images[service.name]?.digest ?? service.compose.image ?? "unresolved",
    files: Object.fromEntries(granted.map((name) => [name, input.fileVersions[name] ?? ""])),
    restart: input.restarts[service.name] ?? 0,
    addressing: service.addressing,
    // Without any the revision is what it always was: an upgrade must not replace everything.
    ...(Object.keys(standIns).length === 0 ? {} : { standIns }),
  };
  return sha256(canonicalJson(identity)).slice(0, 10) as Revision;
}

function replicaKeys(compose: ComposeService): Record<string, unknown> {
  const keys = Object.entries(compose).filter(([key]) => !notOfTheReplica.has(key) && !key.startsWith("x-"));
  return Object.fromEntries(
    keys.map(([key, value]) =>
      key === "deploy" && compose.deploy
        ? [key, { resources: compose.deploy.resources, restart_policy: compose.deploy.restart_policy }]
        : [key, value],
    ),
  );
}
