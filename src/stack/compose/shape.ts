import type { Form } from "./shape-forms.ts";
import {
  bytes,
  command,
  decimal,
  deviceCount,
  duration,
  fileMode,
  flag,
  healthTest,
  hosts,
  integer,
  keptDuration,
  keptFlag,
  keptInteger,
  listOf,
  mapOf,
  object,
  text,
  textMap,
  texts,
  variables,
} from "./shape-forms.ts";
import type { Value } from "./values.ts";
import { isMapping, newMapping } from "./values.ts";

/** The printed form of every key of the Compose Specification, as a table. */

const ulimits = mapOf((value, path, tell) => {
  if (!isMapping(value)) return integer(value, path, tell) ?? newMapping();
  return object({ soft: integer, hard: integer })(value, path, tell);
});

const grant = object({ source: text, target: text, uid: text, gid: text, mode: fileMode });

const device = object({
  capabilities: texts,
  driver: text,
  count: deviceCount,
  device_ids: texts,
  options: textMap,
});

const hook = object({ command, user: text, privileged: flag, working_dir: text, environment: variables }, [
  "command",
]);

/** `ssh` is printed as a list of `id` or `id=path`. */
const ssh: Form = (value) => {
  if (!isMapping(value)) return undefined;
  const keys = Object.entries(value).map(([id, path]) => (path === null ? id : `${id}=${String(path)}`));
  return keys.length === 0 ? undefined : keys.sort();
};

const build = object({
  context: text,
  dockerfile: text,
  dockerfile_inline: text,
  entitlements: texts,
  args: variables,
  ssh,
  labels: textMap,
  cache_from: texts,
  cache_to: texts,
  no_cache: flag,
  no_cache_filter: texts,
  additional_contexts: textMap,
  pull: flag,
  extra_hosts: hosts,
  isolation: text,
  network: text,
  target: text,
  secrets: listOf(grant),
  shm_size: bytes,
  tags: texts,
  ulimits,
  platforms: texts,
  privileged: flag,
  provenance: text,
  sbom: text,
});

const updateConfig = object({
  parallelism: keptInteger,
  delay: duration,
  failure_action: text,
  monitor: duration,
  max_failure_ratio: decimal,
  order: text,
});

const resource = object({
  cpus: decimal,
  memory: bytes,
  pids: integer,
  devices: listOf(device),
  generic_resources: listOf(object({ discrete_resource_spec: object({ kind: text, value: integer }) })),
});

const deploy = object({
  mode: text,
  replicas: keptInteger,
  labels: textMap,
  update_config: updateConfig,
  rollback_config: updateConfig,
  resources: object({ limits: resource, reservations: resource }, []),
  restart_policy: object({
    condition: text,
    delay: keptDuration,
    max_attempts: keptInteger,
    window: keptDuration,
  }),
  placement: object({
    constraints: texts,
    preferences: listOf(object({ spread: text })),
    max_replicas_per_node: integer,
  }),
  endpoint_mode: text,
});

const throttle = object({ path: text, rate: bytes });

const serviceNetwork = object({
  priority: integer,
  gw_priority: integer,
  aliases: texts,
  ipv4_address: text,
  ipv6_address: text,
  interface_name: text,
  link_local_ips: texts,
  mac_address: text,
  driver_opts: textMap,
});

const mount = object({
  type: text,
  source: text,
  target: text,
  read_only: flag,
  consistency: text,
  bind: object({ propagation: text, create_host_path: flag, recursive: text, selinux: text }),
  volume: object({ nocopy: flag, subpath: text, labels: textMap }),
  tmpfs: object({ size: bytes, mode: integer }),
  image: object({ subpath: text }),
});

const watch = object(
  {
    path: text,
    action: text,
    target: text,
    exec: hook,
    ignore: texts,
    include: texts,
    initial_sync: flag,
  },
  ["exec"],
);

const serviceFields: Readonly<Record<string, Form>> = {
  annotations: textMap,
  attach: keptFlag,
  blkio_config: object({
    weight: integer,
    weight_device: listOf(object({ path: text, weight: keptInteger })),
    device_read_bps: listOf(throttle),
    device_read_iops: listOf(throttle),
    device_write_bps: listOf(throttle),
    device_write_iops: listOf(throttle),
  }),
  build,
  cap_add: texts,
  cap_drop: texts,
  cgroup: text,
  cgroup_parent: text,
  command,
  configs: listOf(grant),
  container_name: text,
  cpu_count: integer,
  cpu_percent: decimal,
  cpu_period: integer,
  cpu_quota: integer,
  cpu_rt_period: integer,
  cpu_rt_runtime: integer,
  cpu_shares: integer,
  cpus: decimal,
  cpuset: text,
  credential_spec: object({ config: text, file: text, registry: text }),
  depends_on: mapOf(object({ condition: text, restart: flag, required: keptFlag })),
  deploy: (value, path, tell) => withParts(deploy(value, path, tell), ["resources", "placement"]),
  develop: object({ watch: listOf(watch) }),
  device_cgroup_rules: texts,
  devices: listOf(object({ source: text, target: text, permissions: text })),
  dns: texts,
  dns_opt: texts,
  dns_search: texts,
  domainname: text,
  entrypoint: command,
  environment: variables,
  expose: texts,
  external_links: texts,
  extra_hosts: hosts,
  gpus: listOf(device),
  group_add: texts,
  healthcheck: object({
    test: healthTest,
    timeout: keptDuration,
    interval: keptDuration,
    retries: keptInteger,
    start_period: keptDuration,
    start_interval: keptDuration,
    disable: flag,
  }),
  hostname: text,
  image: text,
  init: keptFlag,
  ipc: text,
  isolation: text,
  labels: textMap,
  links: texts,
  logging: object({ driver: text, options: textMap }),
  mac_address: text,
  mem_limit: bytes,
  mem_reservation: bytes,
  mem_swappiness: integer,
  memswap_limit: bytes,
  models: mapOf(object({ endpoint_var: text, model_var: text })),
  network_mode: text,
  networks: mapOf(serviceNetwork),
  oom_kill_disable: flag,
  oom_score_adj: integer,
  pid: text,
  pids_limit: integer,
  platform: text,
  ports: listOf(
    object({
      name: text,
      mode: text,
      host_ip: text,
      target: integer,
      published: text,
      protocol: text,
      app_protocol: text,
    }),
  ),
  post_start: listOf(hook),
  pre_start: listOf(hook),
  pre_stop: listOf(hook),
  privileged: flag,
  profiles: texts,
  provider: object({ type: text, options: mapOf(texts) }),
  pull_policy: text,
  pull_refresh_after: text,
  read_only: flag,
  restart: text,
  runtime: text,
  scale: keptInteger,
  secrets: listOf(grant),
  security_opt: texts,
  shm_size: bytes,
  stdin_open: flag,
  stop_grace_period: keptDuration,
  stop_signal: text,
  storage_opt: textMap,
  sysctls: textMap,
  tmpfs: texts,
  tty: flag,
  ulimits,
  use_api_socket: flag,
  user: text,
  userns_mode: text,
  uts: text,
  volumes: listOf(mount),
  volumes_from: texts,
  working_dir: text,
};

/** Keys that a service has on its way through the stages but not in the printed form. */
const consumed = ["env_file", "label_file", "extends"];

/** Every service key that the loader understands. */
export const knownServiceKeys: readonly string[] = [...Object.keys(serviceFields), ...consumed];

/** A service; `command` and `entrypoint` are always there, null when the image decides. */
export const shapeService: Form = object(serviceFields, ["command", "entrypoint"]);

/** These parts are printed even when nothing is in them. */
function withParts(value: Value | undefined, parts: readonly string[]): Value | undefined {
  if (isMapping(value)) for (const part of parts) value[part] ??= newMapping();
  return value;
}

const networkFields = object({
  name: text,
  driver: text,
  driver_opts: textMap,
  ipam: object({
    driver: text,
    config: listOf(object({ subnet: text, gateway: text, ip_range: text, aux_addresses: textMap })),
    options: textMap,
  }),
  external: flag,
  internal: flag,
  attachable: flag,
  labels: textMap,
  enable_ipv4: keptFlag,
  enable_ipv6: keptFlag,
});

export const shapeNetwork: Form = (value, path, tell) =>
  withParts(networkFields(value, path, tell), ["ipam"]);

export const shapeVolume: Form = object({
  name: text,
  driver: text,
  driver_opts: textMap,
  external: flag,
  labels: textMap,
});

export const shapeFileObject: Form = object({
  name: text,
  file: text,
  environment: text,
  content: text,
  external: flag,
  labels: textMap,
  driver: text,
  driver_opts: textMap,
  template_driver: text,
});

export const shapeModelResource: Form = object({
  name: text,
  model: text,
  context_size: integer,
  runtime_flags: texts,
});
