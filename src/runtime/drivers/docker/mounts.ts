import type { Scope } from "../../../rollout/ids.ts";
import type { ComposeMount, ComposeNetwork, ComposeVolume } from "../../../stack/compose-model.ts";
import { keptVolumeName, type ReplicaSpec } from "../../port.ts";
import { compareVersions } from "./client.ts";
import type { EngineMount, HostConfig } from "./engine-types.ts";
import { type Owner, scopeLabels } from "./labels.ts";
import { bytesOf, defined } from "./limits.ts";
import { unsupported } from "./unsupported.ts";

/**
 * The engine's name of a network or volume: the Compose name, so that data of an earlier `docker compose up` is
 * found again; outside production with the environment behind it, so that staging never opens production's data.
 */
export function engineName(scope: Scope, object: ComposeNetwork | ComposeVolume): string {
  return object.external || scope.environment === "production"
    ? object.name
    : `${object.name}-${scope.environment}`;
}

/** A secret or config as it lies on the host, to be mounted read-only. */
export type HostFile = { source: string; target: string };

export type MountInput = {
  files: readonly HostFile[];
  apiVersion: string;
  imageVolumes: readonly string[];
  owner: Owner;
  /** Unnamed volumes outlive the replica. */
  keeps: boolean;
};

/** `volumes`, `tmpfs`, secrets and configs of a service, as the engine wants them. */
export function mountsOf(
  spec: ReplicaSpec,
  { files, apiVersion, imageVolumes, owner, keeps }: MountInput,
): Pick<HostConfig, "Mounts" | "Binds" | "Tmpfs"> {
  const mounts: EngineMount[] = [];
  const binds: string[] = [];
  for (const [index, mount] of (spec.compose.volumes ?? []).entries()) {
    const key = `volumes[${index}]`;
    if (mount.type === "bind" && createsHostPath(mount)) binds.push(bindText(spec.service, key, mount));
    else if (keeps && mount.type === "volume" && mount.source === undefined) {
      const { Target, ReadOnly } = mountOf(spec, key, mount, apiVersion);
      mounts.push({ ...keptVolume(spec, owner, Target), ...defined({ ReadOnly }) });
    } else mounts.push(mountOf(spec, key, mount, apiVersion));
  }
  if (keeps) {
    const taken = new Set([
      ...(spec.compose.volumes ?? []).map(({ target }) => target),
      ...(spec.compose.tmpfs ?? []).map((text) => text.split(":")[0] ?? ""),
    ]);
    const free = imageVolumes.filter((path) => !taken.has(path));
    mounts.push(...free.map((path) => keptVolume(spec, owner, path)));
  }
  for (const file of files) {
    mounts.push({ Type: "bind", Source: file.source, Target: file.target, ReadOnly: true });
  }
  const tmpfs = (spec.compose.tmpfs ?? []).map((text) => {
    const colon = text.indexOf(":");
    return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  });
  return defined({
    Mounts: mounts.length === 0 ? undefined : mounts,
    Binds: binds.length === 0 ? undefined : binds,
    Tmpfs: tmpfs.length === 0 ? undefined : (Object.fromEntries(tmpfs) as Record<string, string>),
  });
}

/** The engine creates it at the first start, with what the image has there, and keeps it when the container goes. */
function keptVolume(spec: ReplicaSpec, owner: Owner, target: string): EngineMount {
  return {
    Type: "volume",
    Source: engineName(spec.scope, { name: keptVolumeName(spec, target) }),
    Target: target,
    VolumeOptions: { Labels: scopeLabels(owner, spec.scope) },
  };
}

/** The engine makes a missing host folder, and sets SELinux labels, only for the `source:target:options` form. */
function createsHostPath(mount: ComposeMount): boolean {
  return mount.bind?.create_host_path !== false && mount.bind?.recursive === undefined;
}

function bindText(service: string, key: string, mount: ComposeMount): string {
  const source = mount.source ?? "";
  if (source.includes(":") || mount.target.includes(":")) {
    throw unsupported(
      service,
      key,
      "has a colon in its path, which the engine cannot bind and create",
      "Set `bind.create_host_path: false`, or rename the folder.",
    );
  }
  const options = [
    mount.read_only ? "ro" : "rw",
    ...(mount.bind?.propagation ? [mount.bind.propagation] : []),
    ...(mount.bind?.selinux ? [mount.bind.selinux] : []),
  ];
  return `${source}:${mount.target}:${options.join(",")}`;
}

function mountOf(spec: ReplicaSpec, key: string, mount: ComposeMount, apiVersion: string): EngineMount {
  const needs = (version: string, what: string) => {
    if (compareVersions(apiVersion, version) >= 0) return;
    throw unsupported(spec.service, key, `needs engine API ${version} for ${what}`, "Upgrade Docker.");
  };
  const common = defined({ Target: mount.target, ReadOnly: mount.read_only, Consistency: mount.consistency });
  const base = { ...common, Target: mount.target };
  switch (mount.type) {
    case "bind":
      if (mount.bind?.selinux) {
        throw unsupported(spec.service, key, "cannot have `selinux` with these bind options", "Remove one.");
      }
      return {
        ...base,
        Type: "bind",
        Source: mount.source ?? "",
        ...bindOptions(mount.bind, needs),
      };
    case "volume": {
      if (mount.volume?.subpath) needs("1.45", "`volume.subpath`");
      const volume = mount.source === undefined ? undefined : spec.volumes[mount.source];
      if (mount.source !== undefined && volume === undefined) {
        throw unsupported(
          spec.service,
          key,
          `names the unknown volume ${mount.source}`,
          "Declare it under `volumes`.",
        );
      }
      return {
        ...base,
        Type: "volume",
        ...(volume === undefined ? {} : { Source: engineName(spec.scope, volume) }),
        VolumeOptions: defined({
          NoCopy: mount.volume?.nocopy,
          Subpath: mount.volume?.subpath,
          Labels: mount.volume?.labels,
        }),
      };
    }
    case "tmpfs":
      return {
        ...base,
        Type: "tmpfs",
        TmpfsOptions: defined({
          SizeBytes: mount.tmpfs?.size ? bytesOf(spec.service, key, mount.tmpfs.size) : undefined,
          Mode: mount.tmpfs?.mode,
        }),
      };
    case "image":
      needs("1.48", "image mounts");
      return {
        ...base,
        Type: "image",
        Source: mount.source ?? "",
        ImageOptions: defined({ Subpath: mount.image?.subpath }),
      };
    case "cluster":
    case "npipe":
      throw unsupported(
        spec.service,
        key,
        `has the type ${mount.type}, which this host lacks`,
        "Use a volume.",
      );
  }
}

function bindOptions(
  bind: ComposeMount["bind"],
  needs: (version: string, what: string) => void,
): Pick<EngineMount, "BindOptions"> {
  const recursive = bind?.recursive;
  if (recursive === "writable" || recursive === "readonly") needs("1.44", "`bind.recursive`");
  const options = defined({
    Propagation: bind?.propagation,
    NonRecursive: recursive === "disabled" ? true : undefined,
    ReadOnlyNonRecursive: recursive === "writable" ? true : undefined,
    ReadOnlyForceRecursive: recursive === "readonly" ? true : undefined,
  });
  return Object.keys(options).length === 0 ? {} : { BindOptions: options };
}
