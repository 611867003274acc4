import type { ComposeService } from "../../../stack/compose-model.ts";
import type { ReplicaSpec } from "../../port.ts";
import { compareVersions } from "./client.ts";
import type { ContainerConfig, HostConfig } from "./engine-types.ts";
import { label, type Owner, replicaLabels } from "./labels.ts";
import { defined, isCdiDevice, limitsOf, nanosecondsOf } from "./limits.ts";
import { type HostFile, mountsOf } from "./mounts.ts";
import { type Attachment, attachmentOf, extraHostsOf } from "./networking.ts";
import { refuseUnsupported, unsupported } from "./unsupported.ts";

export type ConfigInput = {
  spec: ReplicaSpec;
  /** The engine's id of the image, so that a moved tag changes nothing. */
  imageId: string;
  /** Paths that the image declares as volumes. */
  imageVolumes: readonly string[];
  owner: Owner;
  apiVersion: string;
  /** Secrets and configs on the host. */
  files: readonly HostFile[];
  /** `security_opt` with the contents of seccomp profiles in place of their paths. */
  securityOptions: readonly string[];
} & ({ role: "replica" } | { role: "job"; jobId: string; argv?: readonly string[] });

export type ContainerPlan = {
  config: ContainerConfig;
  /** Networks to connect after creation and before the start: older engines take only one at creation. */
  connect: Attachment["endpoints"];
  platform?: string;
};

/**
 * The whole translation of a Compose service into one engine container, pure. What the engine cannot honour raises
 * `RUNTIME_UNSUPPORTED`; nothing is dropped silently. Keys without a word here are not about a container (`build`,
 * `depends_on`, `develop`, `profiles`, `scale`, `pull_policy`, `attach`) or are the rollout's (`deploy.update_config`).
 */
export function containerConfig(input: ConfigInput): ContainerPlan {
  const { spec, apiVersion } = input;
  const { compose } = spec;
  refuseUnsupported(spec.service, compose);
  if (compose.annotations !== undefined && compareVersions(apiVersion, "1.43") < 0) {
    throw unsupported(spec.service, "annotations", "needs engine API 1.43", "Upgrade Docker.");
  }
  const attachment = attachmentOf(spec, apiVersion, input.role);
  const [first, ...others] = attachment.endpoints;
  const command = input.role === "job" && input.argv ? [...input.argv] : (compose.command ?? undefined);
  const bindings = input.role === "job" ? {} : portBindingsOf(spec);
  const config: ContainerConfig = {
    ...defined({
      Cmd: command,
      Entrypoint: compose.entrypoint ?? undefined,
      User: compose.user,
      WorkingDir: compose.working_dir,
      Hostname: compose.hostname,
      Domainname: compose.domainname,
      MacAddress: compareVersions(apiVersion, "1.44") < 0 ? compose.mac_address : undefined,
      Tty: compose.tty,
      OpenStdin: compose.stdin_open,
      StopSignal: compose.stop_signal,
      StopTimeout:
        compose.stop_grace_period === undefined
          ? undefined
          : Math.ceil(nanosecondsOf(spec.service, "stop_grace_period", compose.stop_grace_period) / 1e9),
      // The platform probes by itself; the engine would run every check a second time, each in a process of its own.
      Healthcheck: { Test: ["NONE"] },
      ExposedPorts: exposedPortsOf(compose, Object.keys(bindings)),
    }),
    Image: input.imageId,
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    Labels: labelsOf(input, attachment),
    HostConfig: {
      ...hostConfigOf(input, attachment),
      ...(Object.keys(bindings).length === 0 ? {} : { PortBindings: bindings }),
    },
    ...(first === undefined
      ? {}
      : {
          NetworkingConfig: {
            EndpointsConfig: {
              [first.network]: {
                ...first.config,
                ...(compose.mac_address !== undefined && compareVersions(apiVersion, "1.44") >= 0
                  ? { MacAddress: compose.mac_address }
                  : {}),
              },
            },
          },
        }),
  };
  return { config, connect: others, ...(compose.platform ? { platform: compose.platform } : {}) };
}

function labelsOf(input: ConfigInput, attachment: Attachment): Record<string, string> {
  return {
    // Only our own may start like this: a stray one could hide the replica from us.
    ...Object.fromEntries(
      Object.entries(input.spec.compose.labels ?? {}).filter(([name]) => !name.startsWith("roadstead.")),
    ),
    ...replicaLabels(input.owner, input.spec),
    ...(attachment.reach === undefined ? {} : { [label.reach]: attachment.reach }),
    ...(input.role === "job" ? { [label.job]: input.jobId } : {}),
    ...(input.spec.compose.pre_stop ? { [label.preStop]: JSON.stringify(input.spec.compose.pre_stop) } : {}),
  };
}

function hostConfigOf(input: ConfigInput, attachment: Attachment): HostConfig {
  const { spec } = input;
  const { compose } = spec;
  const extraHosts = extraHostsOf(spec);
  return {
    ...limitsOf(spec.service, compose),
    ...mountsOf(spec, { ...input, keeps: spec.keepsData === true && input.role === "replica" }),
    ...defined({
      Annotations: compose.annotations,
      CapAdd: compose.cap_add,
      CapDrop: compose.cap_drop,
      CgroupParent: compose.cgroup_parent,
      CgroupnsMode: compose.cgroup,
      DeviceCgroupRules: compose.device_cgroup_rules,
      Devices: compose.devices
        ?.filter((device) => !isCdiDevice(device))
        .map((device) => ({
          PathOnHost: device.source,
          PathInContainer: device.target ?? device.source,
          CgroupPermissions: device.permissions ?? "rwm",
        })),
      Dns: compose.dns,
      DnsOptions: compose.dns_opt,
      DnsSearch: compose.dns_search,
      ExtraHosts: extraHosts.length === 0 ? undefined : extraHosts,
      GroupAdd: compose.group_add,
      Init: compose.init,
      IpcMode: compose.ipc,
      PidMode: compose.pid,
      Privileged: compose.privileged,
      ReadonlyRootfs: compose.read_only,
      Runtime: compose.runtime,
      SecurityOpt: input.securityOptions.length === 0 ? undefined : [...input.securityOptions],
      Sysctls: compose.sysctls,
      UTSMode: compose.uts,
      UsernsMode: compose.userns_mode,
    }),
    NetworkMode: attachment.networkMode,
    LogConfig: logConfigOf(compose),
    RestartPolicy: input.role === "job" ? { Name: "no" } : restartPolicyOf(spec.service, compose),
  };
}

/** Without a `logging` section: three files of 10 MB a container, so that a chatty service cannot fill the disk. */
function logConfigOf(compose: ComposeService): { Type: string; Config: Record<string, string> } {
  const { logging } = compose;
  const driver = logging?.driver || "json-file";
  const bounded: Record<string, string> =
    driver === "json-file" || driver === "local" ? { "max-size": "10m", "max-file": "3" } : {};
  return { Type: driver, Config: { ...bounded, ...logging?.options } };
}

/**
 * `unless-stopped` when nothing is written. `always` becomes `unless-stopped` as well: the only difference is that
 * after an engine restart `always` would also start replicas that the rollout has stopped.
 */
function restartPolicyOf(service: string, compose: ComposeService): HostConfig["RestartPolicy"] & object {
  const policy = compose.deploy?.restart_policy;
  if (policy !== undefined && compose.restart === undefined) {
    switch (policy.condition ?? "any") {
      case "none":
        return { Name: "no" };
      case "on-failure":
        return {
          Name: "on-failure",
          ...(policy.max_attempts ? { MaximumRetryCount: policy.max_attempts } : {}),
        };
      default:
        return { Name: "unless-stopped" };
    }
  }
  const [name = "", count] = (compose.restart ?? "unless-stopped").split(":");
  switch (name) {
    case "no":
      return { Name: "no" };
    case "always":
    case "unless-stopped":
      return { Name: "unless-stopped" };
    case "on-failure":
      return { Name: "on-failure", ...(count === undefined ? {} : { MaximumRetryCount: Number(count) }) };
    default:
      throw unsupported(service, "restart", `is not a restart policy: ${name}`, "Write `unless-stopped`.");
  }
}

function exposedPortsOf(
  compose: ComposeService,
  bound: readonly string[],
): Record<string, Record<string, never>> | undefined {
  const ports = [...(compose.expose ?? []).flatMap(portsOf), ...bound];
  return ports.length === 0 ? undefined : Object.fromEntries(ports.map((port) => [port, {}]));
}

/** `3000`, `3000/udp` or a range of them. */
function portsOf(text: string): string[] {
  const [range = "", protocol = "tcp"] = text.split("/");
  const [first = 0, last = first] = range.split("-").map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

function portBindingsOf(spec: ReplicaSpec): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  if (spec.compose.network_mode === "host") return bindings;
  for (const { port, protocol, published } of spec.ports) {
    // Ports that the edge holds must stay free here.
    if (published === undefined || published.by === "edge") continue;
    const key = `${port}/${protocol === "udp" ? "udp" : "tcp"}`;
    bindings[key] = [
      ...(bindings[key] ?? []),
      { HostIp: published.hostIp || "127.0.0.1", HostPort: String(published.port) },
    ];
  }
  return bindings;
}
