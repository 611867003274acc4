/**
 * The parts of the Docker Engine API that the driver reads and writes, spelled as the API spells them.
 * Source: https://docs.docker.com/reference/api/engine/ (v1.41 and later).
 */
export type EngineVersion = { Version: string; ApiVersion: string; MinAPIVersion?: string };

export type ContainerConfig = {
  Image: string;
  Cmd?: string[];
  Entrypoint?: string[];
  Env?: string[];
  User?: string;
  WorkingDir?: string;
  Hostname?: string;
  Domainname?: string;
  MacAddress?: string;
  Tty?: boolean;
  OpenStdin?: boolean;
  StopSignal?: string;
  StopTimeout?: number;
  Labels: Record<string, string>;
  Healthcheck?: { Test: readonly string[] };
  ExposedPorts?: Record<string, Record<string, never>>;
  HostConfig: HostConfig;
  NetworkingConfig?: { EndpointsConfig: Record<string, EndpointConfig> };
};

export type EndpointConfig = {
  Aliases?: string[];
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  DriverOpts?: Record<string, string>;
  MacAddress?: string;
  GwPriority?: number;
};

export type EngineMount = {
  Type: "volume" | "bind" | "tmpfs" | "image";
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: {
    Propagation?: string;
    NonRecursive?: boolean;
    ReadOnlyNonRecursive?: boolean;
    ReadOnlyForceRecursive?: boolean;
  };
  VolumeOptions?: { NoCopy?: boolean; Subpath?: string; Labels?: Record<string, string> };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
  ImageOptions?: { Subpath?: string };
};

export type DeviceRequest = {
  Driver?: string;
  Count?: number;
  DeviceIDs?: string[];
  Capabilities?: string[][];
  Options?: Record<string, string>;
};

export type ThrottleDevice = { Path: string; Rate: number };

export type HostConfig = {
  Annotations?: Record<string, string>;
  Binds?: string[];
  BlkioDeviceReadBps?: ThrottleDevice[];
  BlkioDeviceReadIOps?: ThrottleDevice[];
  BlkioDeviceWriteBps?: ThrottleDevice[];
  BlkioDeviceWriteIOps?: ThrottleDevice[];
  BlkioWeight?: number;
  BlkioWeightDevice?: { Path: string; Weight: number }[];
  CapAdd?: string[];
  CapDrop?: string[];
  CgroupParent?: string;
  CgroupnsMode?: string;
  CpuPeriod?: number;
  CpuQuota?: number;
  CpuRealtimePeriod?: number;
  CpuRealtimeRuntime?: number;
  CpuShares?: number;
  CpusetCpus?: string;
  DeviceCgroupRules?: string[];
  DeviceRequests?: DeviceRequest[];
  Devices?: { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[];
  Dns?: string[];
  DnsOptions?: string[];
  DnsSearch?: string[];
  ExtraHosts?: string[];
  GroupAdd?: string[];
  Init?: boolean;
  IpcMode?: string;
  LogConfig?: { Type: string; Config: Record<string, string> };
  Memory?: number;
  MemoryReservation?: number;
  MemorySwap?: number;
  MemorySwappiness?: number;
  Mounts?: EngineMount[];
  NanoCpus?: number;
  NetworkMode?: string;
  OomKillDisable?: boolean;
  OomScoreAdj?: number;
  PidMode?: string;
  PidsLimit?: number;
  PortBindings?: Record<string, { HostIp: string; HostPort: string }[]>;
  Privileged?: boolean;
  ReadonlyRootfs?: boolean;
  RestartPolicy?: { Name: string; MaximumRetryCount?: number };
  Runtime?: string;
  SecurityOpt?: string[];
  ShmSize?: number;
  StorageOpt?: Record<string, string>;
  Sysctls?: Record<string, string>;
  Tmpfs?: Record<string, string>;
  UTSMode?: string;
  Ulimits?: { Name: string; Soft: number; Hard: number }[];
  UsernsMode?: string;
};

export type ContainerSummary = { Id: string; Names: string[]; State: string; Labels: Record<string, string> };

export type ContainerInspect = {
  Id: string;
  Name: string;
  RestartCount: number;
  /** Not the engine's: the exit code of the life before the present one. */
  lastExit?: number;
  Image: string;
  Config: { Labels: Record<string, string> | null; Tty: boolean };
  HostConfig: { NetworkMode: string; Memory?: number };
  State: {
    Status: string;
    Running: boolean;
    Restarting: boolean;
    OOMKilled: boolean;
    ExitCode: number;
    Error: string;
    StartedAt: string;
    FinishedAt: string;
  };
  NetworkSettings: { Networks: Record<string, { IPAddress: string; GlobalIPv6Address?: string }> | null };
};

export type ImageInspect = {
  Id: string;
  RepoTags?: string[] | null;
  RepoDigests?: string[] | null;
  Config?: {
    ExposedPorts?: Record<string, unknown> | null;
    Volumes?: Record<string, unknown> | null;
  } | null;
  Metadata?: { LastTagTime?: string };
};

export type NetworkInspect = {
  Id: string;
  Name: string;
  Driver: string;
  Internal: boolean;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
  IPAM: { Config: { Subnet?: string; IPRange?: string; Gateway?: string }[] | null };
};

export type VolumeInspect = {
  Name: string;
  Driver: string;
  /** On the engine's host. */
  Mountpoint: string;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
};

export type ExecInspect = { Running: boolean; ExitCode: number | null; Pid: number };

export type StatsSample = {
  read: string;
  cpu_stats: CpuSample;
  precpu_stats: CpuSample;
  memory_stats: { usage?: number; limit?: number; stats?: Record<string, number> };
  networks?: Record<string, { rx_bytes: number; tx_bytes: number }>;
  blkio_stats?: { io_service_bytes_recursive?: { op: string; value: number }[] | null };
  pids_stats?: { current?: number };
};

export type CpuSample = {
  cpu_usage: { total_usage: number };
  system_cpu_usage?: number;
  online_cpus?: number;
};
