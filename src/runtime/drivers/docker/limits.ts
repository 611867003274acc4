import { parseBytes } from "../../../lib/bytes.ts";
import { parseDuration } from "../../../lib/duration.ts";
import type { ComposeService } from "../../../stack/compose-model.ts";
import type { DeviceRequest, HostConfig, ThrottleDevice } from "./engine-types.ts";
import { unsupported } from "./unsupported.ts";

/** Bytes of a Compose size; `-1` (no limit) stays. Throws for text that is no size. */
export function bytesOf(service: string, key: string, text: string | number): number {
  if (String(text) === "-1") return -1;
  const bytes = parseBytes(String(text));
  if (bytes === undefined) {
    throw unsupported(service, key, `is not a size: ${text}`, "Write it like `512m`.");
  }
  return bytes;
}

/** Nanoseconds of a Compose duration, as the engine wants them. Throws for text that is no duration. */
export function nanosecondsOf(service: string, key: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined)
    throw unsupported(service, key, `is not a duration: ${text}`, "Write it like `30s`.");
  return Math.round(seconds * 1e9);
}

/** Microseconds where Compose allows a number or a duration. */
function microsecondsOf(service: string, key: string, value: string | number): number {
  return /^\d+$/.test(String(value))
    ? Number(value)
    : Math.round(nanosecondsOf(service, key, String(value)) / 1000);
}

/** Memory, CPU, process and I/O limits; `deploy.resources.limits` wins over the older keys, as in Compose. */
export function limitsOf(service: string, compose: ComposeService): HostConfig {
  const limits = compose.deploy?.resources?.limits;
  const reserved = compose.deploy?.resources?.reservations;
  const bytes = (key: string, text: string | number | undefined) =>
    text === undefined ? undefined : bytesOf(service, key, text);
  const micros = (key: string, value: string | number | undefined) =>
    value === undefined ? undefined : microsecondsOf(service, key, value);
  const cpus = limits?.cpus ?? compose.cpus;
  return defined({
    Memory: bytes(
      limits?.memory === undefined ? "mem_limit" : "deploy.resources.limits.memory",
      limits?.memory ?? compose.mem_limit,
    ),
    MemoryReservation: bytes(
      reserved?.memory === undefined ? "mem_reservation" : "deploy.resources.reservations.memory",
      reserved?.memory ?? compose.mem_reservation,
    ),
    MemorySwap: bytes("memswap_limit", compose.memswap_limit),
    MemorySwappiness: compose.mem_swappiness,
    NanoCpus: cpus === undefined || Number(cpus) === 0 ? undefined : Math.round(Number(cpus) * 1e9),
    CpuShares: compose.cpu_shares,
    CpuPeriod: micros("cpu_period", compose.cpu_period),
    CpuQuota: micros("cpu_quota", compose.cpu_quota),
    CpuRealtimePeriod: micros("cpu_rt_period", compose.cpu_rt_period),
    CpuRealtimeRuntime: micros("cpu_rt_runtime", compose.cpu_rt_runtime),
    CpusetCpus: compose.cpuset,
    PidsLimit: limits?.pids ?? compose.pids_limit,
    OomKillDisable: compose.oom_kill_disable,
    OomScoreAdj: compose.oom_score_adj,
    ShmSize: bytes("shm_size", compose.shm_size),
    StorageOpt: compose.storage_opt,
    Ulimits:
      compose.ulimits === undefined
        ? undefined
        : Object.entries(compose.ulimits).map(([name, limit]) => ({
            Name: name,
            Soft: typeof limit === "number" ? limit : limit.soft,
            Hard: typeof limit === "number" ? limit : limit.hard,
          })),
    DeviceRequests: deviceRequestsOf(service, compose),
    ...blockIoOf(service, compose.blkio_config),
  });
}

type BlockIo = {
  weight?: number;
  weight_device?: { path: string; weight: number }[];
  device_read_bps?: { path: string; rate: string | number }[];
  device_read_iops?: { path: string; rate: string | number }[];
  device_write_bps?: { path: string; rate: string | number }[];
  device_write_iops?: { path: string; rate: string | number }[];
};

function blockIoOf(service: string, config: unknown): HostConfig {
  if (config === undefined || config === null) return {};
  const io = config as BlockIo;
  const throttles = (key: keyof BlockIo & `device_${string}`): ThrottleDevice[] | undefined =>
    io[key]?.map(({ path, rate }) => ({ Path: path, Rate: bytesOf(service, `blkio_config.${key}`, rate) }));
  return defined({
    BlkioWeight: io.weight,
    BlkioWeightDevice: io.weight_device?.map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: throttles("device_read_bps"),
    BlkioDeviceReadIOps: throttles("device_read_iops"),
    BlkioDeviceWriteBps: throttles("device_write_bps"),
    BlkioDeviceWriteIOps: throttles("device_write_iops"),
  });
}

type GpuRequest = {
  capabilities?: string[];
  count?: number | "all";
  device_ids?: string[];
  driver?: string;
  options?: Record<string, string>;
};

/** `gpus`, reserved devices, and devices given by their CDI name (`vendor.com/class=name`). */
function deviceRequestsOf(service: string, compose: ComposeService): DeviceRequest[] | undefined {
  const wanted: GpuRequest[] = [];
  if (compose.gpus === "all") wanted.push({ count: "all", capabilities: ["gpu"] });
  else if (Array.isArray(compose.gpus)) {
    for (const gpu of compose.gpus as GpuRequest[]) {
      wanted.push({ ...gpu, capabilities: [...new Set(["gpu", ...(gpu.capabilities ?? [])])] });
    }
  } else if (compose.gpus !== undefined) {
    throw unsupported(service, "gpus", "must be `all` or a list", "Write `gpus: all`.");
  }
  const reserved = compose.deploy?.resources?.reservations?.devices;
  if (Array.isArray(reserved)) wanted.push(...(reserved as GpuRequest[]));
  const cdi = (compose.devices ?? []).filter(isCdiDevice).map((device) => device.source);
  const requests = wanted.map((request) =>
    defined({
      Driver: request.driver,
      Count: request.count === "all" ? -1 : (request.count ?? (request.device_ids ? undefined : -1)),
      DeviceIDs: request.device_ids,
      Capabilities: request.capabilities === undefined ? undefined : [request.capabilities],
      Options: request.options,
    }),
  );
  if (cdi.length > 0) requests.push({ Driver: "cdi", DeviceIDs: cdi });
  return requests.length === 0 ? undefined : requests;
}

export function isCdiDevice(device: { source: string }): boolean {
  return /^[^/][^=]*\/[^=]+=.+$/.test(device.source);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out keys without a value: the engine reads an empty value as a wish. */
export function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Defined<T>;
}
