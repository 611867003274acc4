/**
 * What happens to every key of the Compose Specification, per runtime. docs/compose-support.md is generated from this
 * table and lint/unsupported-keys.ts acts on it: ignored keys are named as warnings, refused ones as errors.
 */
export type SupportLevel = "honoured" | "ignored" | "refused";

export type KeySupport = {
  /** Below the section, dotted: `deploy.update_config.order`. */
  key: string;
  docker: SupportLevel;
  process: SupportLevel;
  /** What is different from plain Docker Compose, or what to use instead. */
  note?: string;
};

type Row = readonly [keys: string, note?: string];

const both = rows("honoured", "honoured");
/** Needs a container; the process runtime says in its plan what it cannot hold. */
const containerOnly = rows("honoured", "ignored");
const neither = rows("ignored", "ignored");
const refused = rows("refused", "refused");

function rows(docker: SupportLevel, process: SupportLevel) {
  return (...list: readonly Row[]): KeySupport[] =>
    list.flatMap(([keys, note]) =>
      keys.split(" ").map((key) => ({ key, docker, process, ...(note === undefined ? {} : { note }) })),
    );
}

export const topLevelSupport: readonly KeySupport[] = [
  ...both(
    ["name services volumes secrets configs"],
    ["include", "Local files; a remote one is refused with a message."],
    ["x-roadstead", "See x-roadstead.md."],
  ),
  ...containerOnly(["networks", "As written; `internal` networks have no egress."]),
  ...neither(["version", "Obsolete in the Compose Specification."]),
  ...refused(["models", "Run the model as a service of its own."]),
];

export const serviceSupport: readonly KeySupport[] = [
  ...both(
    ["image", "The process runtime maps well-known database images to a local server of the same kind."],
    ["build", "See the build keys below."],
    ["command entrypoint working_dir environment"],
    ["env_file label_file extends profiles", "Resolved when the file is loaded."],
    ["depends_on", "All three conditions and `required`; `restart` is left to readiness and drain."],
    ["links", "The order counts, and the alias too on Docker."],
    ["healthcheck", "`curl`, `wget` and `nc -z` of the service itself become probes from outside the image."],
    [
      "ports",
      "Bound to 127.0.0.1 unless the file gives an address. Published ports of stateless services are served by the edge, so they survive a redeploy.",
    ],
    [
      "expose",
      "Ports that peers reach through the service's stable address. Name every port that peers use.",
    ],
    ["volumes secrets configs"],
    ["scale", "`deploy.replicas` wins."],
    ["stop_signal stop_grace_period"],
    ["tmpfs", "A plain folder with the process runtime."],
    ["deploy", "See the deploy keys below."],
    ["pull_policy", "The process runtime pulls nothing."],
  ),
  ...containerOnly(
    [
      "container_name",
      "A further network name; the container itself is named after its release and replica.",
    ],
    ["restart", "`always` is treated as `unless-stopped`, which is also the default."],
    [
      "networks network_mode",
      "`service:` and `container:` modes are refused: a replica may be replaced at any time.",
    ],
    ["ipc pid", "`service:` and `container:` modes are refused: a replica may be replaced at any time."],
    ["user read_only init privileged cap_add cap_drop security_opt group_add userns_mode"],
    ["hostname domainname mac_address extra_hosts dns dns_search dns_opt"],
    ["labels annotations", "`annotations` need engine API 1.43."],
    ["logging", "Without it: three files of 10 MB for each replica."],
    ["stdin_open tty"],
    ["platform runtime"],
    [
      "sysctls ulimits devices device_cgroup_rules gpus shm_size storage_opt uts cgroup cgroup_parent blkio_config",
    ],
    ["mem_limit mem_reservation memswap_limit mem_swappiness oom_kill_disable oom_score_adj pids_limit"],
    ["cpus cpu_shares cpu_quota cpu_period cpu_rt_runtime cpu_rt_period cpuset"],
    ["post_start pre_stop", "A failing `post_start` fails the replica."],
  ),
  ...neither(
    ["attach", "Only about the terminal of `docker compose up`."],
    ["develop", "Only for `docker compose watch`."],
    ["pull_refresh_after", "Releases pin the digest."],
  ),
  ...refused(
    ["external_links", "Put both services on one external network."],
    ["volumes_from", "Name the volumes under `volumes` of this service."],
    [
      "pre_start",
      "Use `x-roadstead.release`, or a job that others wait for with `service_completed_successfully`.",
    ],
    ["provider", "Run the provider outside the stack and pass its address as a variable."],
    ["models", "Run the model as a service of its own."],
    ["use_api_socket", "No hosted service gets the engine's socket."],
    ["credential_spec isolation", "Only exists on Windows."],
    ["cpu_count cpu_percent", "Only exists on Windows; use `cpus`."],
  ),
];

export const deploySupport: readonly KeySupport[] = [
  ...both(
    ["mode", "`global` is one replica on one host; the job modes make the service a job."],
    ["replicas"],
    ["update_config"],
    [
      "update_config.order",
      "With several replicas the strategy becomes rolling; `stop-first` with one makes it recreate.",
    ],
  ),
  ...containerOnly(
    ["resources resources.limits resources.limits.cpus resources.limits.memory resources.limits.pids"],
    ["resources.reservations resources.reservations.memory resources.reservations.devices"],
    ["restart_policy restart_policy.condition restart_policy.max_attempts", "`restart` wins."],
  ),
  ...neither(
    ["labels", "Labels of a Swarm service; use `labels` of the service."],
    ["endpoint_mode placement", "Only about a Swarm cluster."],
    ["rollback_config", "A rollback is a rollout to the release before."],
    [
      "update_config.parallelism update_config.delay update_config.failure_action update_config.monitor update_config.max_failure_ratio",
      "The rollout's own order, probes and limits hold; a failed release never takes traffic.",
    ],
    ["restart_policy.delay restart_policy.window", "The engine backs off by itself."],
    ["resources.reservations.cpus", "Nothing is reserved on one host."],
  ),
  ...refused(["resources.reservations.generic_resources", "Only exists in Swarm."]),
];

export const buildSupport: readonly KeySupport[] = [
  ...both(["context"], ["dockerfile", "The process runtime reads its EXPOSE, ENV, WORKDIR and CMD."]),
  ...containerOnly(
    ["dockerfile_inline args target labels network shm_size tags extra_hosts ulimits platforms"],
    ["cache_from cache_to no_cache pull"],
    ["additional_contexts ssh secrets entitlements privileged", "Needs BuildKit."],
  ),
  ...neither(
    ["no_cache_filter", "Use `no_cache`."],
    ["provenance sbom", "No attestation is kept."],
    ["isolation", "Only exists on Windows."],
  ),
];

export const healthcheckSupport: readonly KeySupport[] = [
  ...both(
    [
      "test",
      "`[NONE]`, CMD and CMD-SHELL. Checks of the service's own address become probes from outside the image.",
    ],
    ["interval timeout retries start_period disable"],
  ),
  ...containerOnly([
    "start_interval",
    "Only for the engine's own check; a replica that is not ready yet is probed often anyway.",
  ]),
];

export const networkSupport: readonly KeySupport[] = [
  ...containerOnly(
    ["name external labels"],
    ["driver driver_opts ipam attachable enable_ipv4 enable_ipv6", "Fixed once the network exists."],
    ["internal", "No egress."],
  ),
];

export const volumeSupport: readonly KeySupport[] = [
  ...both(["name external", "A folder with the process runtime."]),
  ...containerOnly(["driver driver_opts labels"]),
];

export const secretSupport: readonly KeySupport[] = [
  ...both(["name file environment external", "`external` ones come from the store of the installation."]),
  ...neither(["labels", "Of a Swarm object."]),
  ...refused(["driver driver_opts template_driver", "Only exists in Swarm."]),
];

export const configSupport: readonly KeySupport[] = [
  ...both([
    "name file environment content external",
    "`external` ones come from the store of the installation.",
  ]),
  ...neither(["labels", "Of a Swarm object."]),
  ...refused(["template_driver", "Only exists in Swarm."]),
];
