/**
 * A Compose project after merge, `extends`, `include`, interpolation and normalisation: long forms only, absolute
 * paths, the same JSON that the reference implementation prints with `docker compose config --format json`
 * (durations and sizes keep its spelling). Services carry every key of the Compose Specification.
 */
export type ComposeModel = {
  name: string;
  services: Record<string, ComposeService>;
  networks: Record<string, ComposeNetwork>;
  volumes: Record<string, ComposeVolume>;
  secrets: Record<string, ComposeFileObject>;
  configs: Record<string, ComposeFileObject>;
  models?: Record<string, unknown>;
  /** Top-level `x-*`. */
  [extension: `x-${string}`]: unknown;
};

export type ComposeService = {
  image?: string;
  build?: ComposeBuild;
  command?: string[] | null;
  entrypoint?: string[] | null;
  /** `null`: taken from the environment of the deploying shell and not set there. */
  environment?: Record<string, string | null>;
  env_file?: { path: string; required?: boolean; format?: string }[];
  labels?: Record<string, string>;
  container_name?: string;
  hostname?: string;
  domainname?: string;
  user?: string;
  working_dir?: string;
  depends_on?: Record<string, ComposeDependency>;
  healthcheck?: ComposeHealthcheck;
  ports?: ComposePort[];
  expose?: string[];
  networks?: Record<string, ComposeServiceNetwork | null>;
  network_mode?: string;
  volumes?: ComposeMount[];
  tmpfs?: string[];
  secrets?: ComposeFileGrant[];
  configs?: ComposeFileGrant[];
  deploy?: ComposeDeploy;
  restart?: string;
  scale?: number;
  init?: boolean;
  privileged?: boolean;
  read_only?: boolean;
  stdin_open?: boolean;
  tty?: boolean;
  stop_signal?: string;
  /** e.g. `10s`. */
  stop_grace_period?: string;
  cap_add?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  sysctls?: Record<string, string>;
  ulimits?: Record<string, number | { soft: number; hard: number }>;
  devices?: { source: string; target?: string; permissions?: string }[];
  extra_hosts?: string[];
  dns?: string[];
  dns_search?: string[];
  dns_opt?: string[];
  group_add?: string[];
  ipc?: string;
  pid?: string;
  userns_mode?: string;
  uts?: string;
  cgroup?: string;
  cgroup_parent?: string;
  shm_size?: string;
  mem_limit?: string;
  mem_reservation?: string;
  memswap_limit?: string;
  /** Per cent. */
  mem_swappiness?: number;
  oom_kill_disable?: boolean;
  oom_score_adj?: number;
  pids_limit?: number;
  cpus?: number;
  cpu_count?: number;
  cpu_percent?: number;
  cpu_shares?: number;
  cpu_quota?: string | number;
  cpu_period?: string | number;
  cpu_rt_runtime?: string | number;
  cpu_rt_period?: string | number;
  cpuset?: string;
  logging?: { driver?: string; options?: Record<string, string> };
  platform?: string;
  pull_policy?: string;
  profiles?: string[];
  runtime?: string;
  isolation?: string;
  mac_address?: string;
  annotations?: Record<string, string>;
  blkio_config?: unknown;
  credential_spec?: unknown;
  develop?: unknown;
  device_cgroup_rules?: string[];
  external_links?: string[];
  links?: string[];
  gpus?: unknown;
  models?: unknown;
  post_start?: ComposeHook[];
  pre_start?: ComposeHook[];
  pre_stop?: ComposeHook[];
  provider?: unknown;
  storage_opt?: Record<string, string>;
  use_api_socket?: boolean;
  volumes_from?: string[];
  attach?: boolean;
  label_file?: string[];
  [extension: `x-${string}`]: unknown;
};

export type ComposeBuild = {
  context: string;
  dockerfile?: string;
  dockerfile_inline?: string;
  args?: Record<string, string | null>;
  target?: string;
  labels?: Record<string, string>;
  cache_from?: string[];
  cache_to?: string[];
  no_cache?: boolean;
  no_cache_filter?: string[];
  provenance?: string;
  sbom?: string;
  pull?: boolean;
  network?: string;
  platforms?: string[];
  shm_size?: string;
  tags?: string[];
  extra_hosts?: string[];
  ssh?: string[];
  secrets?: ComposeFileGrant[];
  additional_contexts?: Record<string, string>;
  privileged?: boolean;
  isolation?: string;
  ulimits?: Record<string, number | { soft: number; hard: number }>;
  entitlements?: string[];
};

export type ComposeDependency = {
  condition: "service_started" | "service_healthy" | "service_completed_successfully";
  restart?: boolean;
  required?: boolean;
};

export type ComposeHealthcheck = {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", "…"]`. */
  test?: string[];
  interval?: string;
  timeout?: string;
  retries?: number;
  start_period?: string;
  start_interval?: string;
  disable?: boolean;
};

export type ComposePort = {
  mode?: "ingress" | "host";
  target: number;
  /** A port or a range; absent means any free port. */
  published?: string;
  host_ip?: string;
  protocol?: string;
  name?: string;
  app_protocol?: string;
};

export type ComposeServiceNetwork = {
  aliases?: string[];
  ipv4_address?: string;
  ipv6_address?: string;
  link_local_ips?: string[];
  mac_address?: string;
  driver_opts?: Record<string, string>;
  gw_priority?: number;
  interface_name?: string;
  priority?: number;
};

export type ComposeMount = {
  type: "volume" | "bind" | "tmpfs" | "cluster" | "npipe" | "image";
  source?: string;
  target: string;
  read_only?: boolean;
  consistency?: string;
  bind?: { propagation?: string; create_host_path?: boolean; recursive?: string; selinux?: string };
  volume?: { nocopy?: boolean; subpath?: string; labels?: Record<string, string> };
  tmpfs?: { size?: string; mode?: number };
  image?: { subpath?: string };
};

export type ComposeFileGrant = {
  source: string;
  target?: string;
  uid?: string;
  gid?: string;
  /** Permission bits in octal: `0440`. */
  mode?: string;
};

export type ComposeFileObject = {
  name?: string;
  file?: string;
  environment?: string;
  content?: string;
  external?: boolean;
  labels?: Record<string, string>;
  driver?: string;
  driver_opts?: Record<string, string>;
  template_driver?: string;
};

export type ComposeNetwork = {
  name: string;
  driver?: string;
  driver_opts?: Record<string, string>;
  external?: boolean;
  internal?: boolean;
  attachable?: boolean;
  enable_ipv4?: boolean;
  enable_ipv6?: boolean;
  ipam?: {
    driver?: string;
    config?: {
      subnet?: string;
      ip_range?: string;
      gateway?: string;
      aux_addresses?: Record<string, string>;
    }[];
    options?: Record<string, string>;
  };
  labels?: Record<string, string>;
};

export type ComposeVolume = {
  name: string;
  driver?: string;
  driver_opts?: Record<string, string>;
  external?: boolean;
  labels?: Record<string, string>;
};

export type ComposeDeploy = {
  mode?: string;
  replicas?: number;
  endpoint_mode?: string;
  labels?: Record<string, string>;
  resources?: {
    limits?: { cpus?: string | number; memory?: string; pids?: number; devices?: unknown };
    reservations?: {
      cpus?: string | number;
      memory?: string;
      devices?: unknown;
      generic_resources?: unknown;
    };
  };
  restart_policy?: { condition?: string; delay?: string; max_attempts?: number; window?: string };
  update_config?: {
    parallelism?: number;
    delay?: string;
    failure_action?: string;
    monitor?: string;
    max_failure_ratio?: number;
    order?: "start-first" | "stop-first";
  };
  rollback_config?: Record<string, unknown>;
  placement?: Record<string, unknown>;
};

export type ComposeHook = {
  command: string[];
  /** `pre_start` only: another image than the service's. */
  image?: string;
  /** `pre_start` only. */
  per_replica?: boolean;
  user?: string;
  privileged?: boolean;
  working_dir?: string;
  environment?: Record<string, string | null>;
};
