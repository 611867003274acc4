import type { ReplicaId, Revision, Scope } from "../../rollout/ids.ts";
import type { MountedFile, ReplicaSpec } from "../../runtime/port.ts";
import type { ComposeFileGrant, ComposeService } from "../../stack/compose-model.ts";
import type { Service, StackFile } from "../../stack/stack.ts";
import type { Store } from "../../store/port.ts";
import { engineError } from "../errors.ts";
import { serviceIn, type TargetPlan } from "./step-world.ts";

export type ReplicaWish = { service: string; revision: Revision; ordinal: number; replica: ReplicaId };

/** What a replica is described from: a step's world has it, and so has any release. */
export type ReplicaWorld = {
  scope: Scope;
  plan: Pick<TargetPlan, "release" | "stack" | "images" | "fileVersions">;
  parts: { store: Pick<Store, "scopes" | "secrets"> };
};

/** Everything that the runtime needs to create the replica, secrets' contents included. */
export function replicaSpec(world: ReplicaWorld, wish: ReplicaWish): ReplicaSpec {
  const { plan, scope, parts } = world;
  const service = serviceIn(world, wish.service);
  const image = plan.images[wish.service];
  if (!image) throw engineError("ENGINE_RESOURCE_GONE", `no image is known for ${wish.service}`);
  return {
    id: wish.replica,
    scope,
    service: wish.service,
    revision: wish.revision,
    ordinal: wish.ordinal,
    release: plan.release,
    image,
    compose: service.compose,
    ports: service.ports,
    environment: environmentOf(service.compose),
    files: filesOf(world, service.compose),
    networks: plan.stack.networks,
    volumes: plan.stack.volumes,
    addresses: parts.store.scopes.get(scope)?.addresses ?? [],
    addressing: service.addressing,
    keepsData: keepsData(service),
  };
}

/** As Compose does; but not for a web service, whose unnamed volumes hold what its image was built with. */
function keepsData({ kind, strategy }: Service): boolean {
  const isAlone = strategy === "recreate" || strategy === "singleton";
  return isAlone && kind !== "web" && kind !== "job";
}

function environmentOf(compose: ComposeService): Record<string, string> {
  const entries = Object.entries(compose.environment ?? {}).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return Object.fromEntries(entries);
}

function filesOf(world: ReplicaWorld, compose: ComposeService): MountedFile[] {
  const secrets = (compose.secrets ?? []).map((grant) => fileOf(world, "secret", grant));
  const configs = (compose.configs ?? []).map((grant) => fileOf(world, "config", grant));
  return [...secrets, ...configs];
}

/** Default targets and mode after the Compose Specification: /run/secrets/<name>, /<config>, world-readable. */
function fileOf(world: ReplicaWorld, kind: StackFile["kind"], grant: ComposeFileGrant): MountedFile {
  const fallback = kind === "secret" ? `/run/secrets/${grant.target ?? grant.source}` : `/${grant.source}`;
  const target = grant.target?.startsWith("/") ? grant.target : fallback;
  return {
    target,
    content: contentOf(world, kind, grant.source),
    mode: Number.parseInt(grant.mode ?? "0444", 8),
    ...(grant.uid === undefined ? {} : { uid: Number(grant.uid) }),
    ...(grant.gid === undefined ? {} : { gid: Number(grant.gid) }),
  };
}

/** The content of a secret or config as this release has it. Errors: `ENGINE_FILE_MISSING`. */
export function contentOf(world: ReplicaWorld, kind: StackFile["kind"], name: string): Uint8Array {
  const version = world.plan.fileVersions[name];
  const content =
    version === undefined ? undefined : world.parts.store.secrets.get(world.scope, name, version);
  if (!content) throw engineError("ENGINE_FILE_MISSING", `the content of ${kind} ${name} is not known`);
  return content;
}
