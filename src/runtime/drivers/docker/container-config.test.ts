import { describe, expect, it } from "vitest";
import { type ImageDigest, type ReleaseId, type Revision, replicaId } from "../../../rollout/ids.ts";
import type { ComposeService } from "../../../stack/compose-model.ts";
import type { ReplicaSpec, ServiceAddress } from "../../port.ts";
import { type ContainerPlan, containerConfig } from "./container-config.ts";

const scope = { stack: "shop", environment: "production" };
const networks = {
  default: { name: "shop_default" },
  data: { name: "shop_data", internal: true },
  proxy: { name: "proxy", external: true },
};
const volumes = { data: { name: "shop_data" }, shared: { name: "shared", external: true } };

function aSpec(compose: ComposeService, more: Partial<ReplicaSpec> = {}): ReplicaSpec {
  const revision = "0123456789" as Revision;
  return {
    id: replicaId(scope, "web", revision, 1),
    scope,
    service: "web",
    revision,
    ordinal: 1,
    release: "rel_1" as ReleaseId,
    image: {
      digest: `sha256:${"a".repeat(64)}` as ImageDigest,
      reference: "web:1",
      description: "",
      exposedPorts: [],
    },
    compose,
    ports: [],
    environment: {},
    files: [],
    networks,
    volumes,
    addresses: [],
    addressing: "proxied",
    ...more,
  };
}

function plan(
  compose: ComposeService,
  more: Partial<ReplicaSpec> & { apiVersion?: string; job?: boolean; argv?: string[] } = {},
): ContainerPlan {
  const { apiVersion = "1.45", job = false, argv, ...spec } = more;
  return containerConfig({
    spec: aSpec(compose, spec),
    imageId: "sha256:id",
    imageVolumes: ["/var/lib/db", "/data", "/fast"],
    owner: "roadstead",
    apiVersion,
    files: [{ source: "/home/files/0", target: "/run/secrets/token" }],
    securityOptions: compose.security_opt ?? [],
    ...(job ? { role: "job", jobId: "job_1", ...(argv ? { argv } : {}) } : { role: "replica" }),
  });
}
const hostOf = (compose: ComposeService, more: Parameters<typeof plan>[1] = {}) =>
  plan(compose, more).config.HostConfig;

describe("a Compose service becomes one container", () => {
  it("a plain service gets only labels, its network, bounded logs and a restart policy", () => {
    expect(plan({ image: "web:1", networks: { default: null } })).toEqual({
      config: {
        Image: "sha256:id",
        Env: [],
        Healthcheck: { Test: ["NONE"] },
        Labels: {
          "roadstead.managed-by": "roadstead",
          "roadstead.stack": "shop",
          "roadstead.environment": "production",
          "roadstead.service": "web",
          "roadstead.revision": "0123456789",
          "roadstead.ordinal": "1",
          "roadstead.release": "rel_1",
          "roadstead.image": `sha256:${"a".repeat(64)}`,
          "roadstead.reach": "shop_default",
        },
        HostConfig: {
          Mounts: [{ Type: "bind", Source: "/home/files/0", Target: "/run/secrets/token", ReadOnly: true }],
          NetworkMode: "shop_default",
          LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
          RestartPolicy: { Name: "unless-stopped" },
        },
        NetworkingConfig: { EndpointsConfig: { shop_default: {} } },
      },
      connect: [],
    });
  });

  it("carries program, environment, user, folder, terminal, stop signal and names", () => {
    const { config, platform } = plan(
      {
        command: ["serve", "--now"],
        entrypoint: ["/init"],
        user: "1000:1000",
        working_dir: "/app",
        hostname: "one",
        domainname: "example.com",
        tty: true,
        stdin_open: true,
        stop_signal: "SIGINT",
        stop_grace_period: "1m30s",
        platform: "linux/amd64",
        expose: ["3000", "53/udp", "7000-7001"],
        labels: { team: "blue", "roadstead.job": "x" },
      },
      { environment: { A: "1", B: "x=y" } },
    );
    expect(config).toMatchObject({
      Cmd: ["serve", "--now"],
      Entrypoint: ["/init"],
      Env: ["A=1", "B=x=y"],
      User: "1000:1000",
      WorkingDir: "/app",
      Hostname: "one",
      Domainname: "example.com",
      Tty: true,
      OpenStdin: true,
      StopSignal: "SIGINT",
      StopTimeout: 90,
      ExposedPorts: { "3000/tcp": {}, "53/udp": {}, "7000/tcp": {}, "7001/tcp": {} },
    });
    expect(config.Labels["team"]).toBe("blue");
    expect(config.Labels).not.toHaveProperty("roadstead.job");
    expect(platform).toBe("linux/amd64");
  });

  it("an empty command or entrypoint clears the image's, null keeps it", () => {
    expect(plan({ entrypoint: [], command: null }).config).toMatchObject({ Entrypoint: [] });
    expect(plan({ command: null }).config).not.toHaveProperty("Cmd");
  });

  it("confines as written", () => {
    expect(
      hostOf({
        read_only: true,
        cap_add: ["NET_BIND_SERVICE"],
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges=true"],
        privileged: false,
        init: true,
        ipc: "private",
        pid: "host",
        uts: "host",
        userns_mode: "host",
        cgroup: "private",
        cgroup_parent: "/apps",
        group_add: ["44"],
        runtime: "runsc",
        sysctls: { "net.core.somaxconn": "1024" },
        devices: [{ source: "/dev/fuse" }, { source: "/dev/a", target: "/dev/b", permissions: "r" }],
        device_cgroup_rules: ["c 1:3 mr"],
        dns: ["9.9.9.9"],
        dns_search: ["example.com"],
        dns_opt: ["ndots:1"],
        annotations: { note: "x" },
      }),
    ).toMatchObject({
      ReadonlyRootfs: true,
      CapAdd: ["NET_BIND_SERVICE"],
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges=true"],
      Privileged: false,
      Init: true,
      IpcMode: "private",
      PidMode: "host",
      UTSMode: "host",
      UsernsMode: "host",
      CgroupnsMode: "private",
      CgroupParent: "/apps",
      GroupAdd: ["44"],
      Runtime: "runsc",
      Sysctls: { "net.core.somaxconn": "1024" },
      Devices: [
        { PathOnHost: "/dev/fuse", PathInContainer: "/dev/fuse", CgroupPermissions: "rwm" },
        { PathOnHost: "/dev/a", PathInContainer: "/dev/b", CgroupPermissions: "r" },
      ],
      DeviceCgroupRules: ["c 1:3 mr"],
      Dns: ["9.9.9.9"],
      DnsSearch: ["example.com"],
      DnsOptions: ["ndots:1"],
      Annotations: { note: "x" },
    });
  });

  it("limits: deploy.resources wins over the older keys", () => {
    const limits = {
      mem_limit: "1g",
      cpus: 3,
      pids_limit: 10,
      memswap_limit: "-1",
      mem_swappiness: 0,
      cpuset: "0,1",
      cpu_shares: 512,
      cpu_period: "50ms",
      cpu_quota: 25_000,
      shm_size: "64m",
      oom_score_adj: 100,
      ulimits: { nproc: 100, nofile: { soft: 1024, hard: 2048 } },
      blkio_config: { weight: 300, device_read_bps: [{ path: "/dev/sda", rate: "10mb" }] },
    };
    const deploy = {
      resources: {
        limits: { cpus: "0.25", memory: "256m", pids: 50 },
        reservations: {
          memory: "128m",
          devices: [{ capabilities: ["gpu"], driver: "nvidia", count: 1 }],
        },
      },
    };
    expect(hostOf({ ...limits })).toMatchObject({ Memory: 1024 ** 3, NanoCpus: 3e9, PidsLimit: 10 });
    expect(hostOf({ ...limits, deploy })).toMatchObject({
      Memory: 256 * 1024 ** 2,
      MemoryReservation: 128 * 1024 ** 2,
      MemorySwap: -1,
      MemorySwappiness: 0,
      NanoCpus: 250_000_000,
      PidsLimit: 50,
      CpusetCpus: "0,1",
      CpuShares: 512,
      CpuPeriod: 50_000,
      CpuQuota: 25_000,
      ShmSize: 64 * 1024 ** 2,
      OomScoreAdj: 100,
      Ulimits: [
        { Name: "nproc", Soft: 100, Hard: 100 },
        { Name: "nofile", Soft: 1024, Hard: 2048 },
      ],
      BlkioWeight: 300,
      BlkioDeviceReadBps: [{ Path: "/dev/sda", Rate: 10 * 1024 ** 2 }],
      DeviceRequests: [{ Driver: "nvidia", Count: 1, Capabilities: [["gpu"]] }],
    });
  });

  it("gpus and CDI devices become device requests", () => {
    expect(hostOf({ gpus: "all", devices: [{ source: "vendor.com/class=one" }] })).toMatchObject({
      DeviceRequests: [
        { Count: -1, Capabilities: [["gpu"]] },
        { Driver: "cdi", DeviceIDs: ["vendor.com/class=one"] },
      ],
      Devices: [],
    });
  });

  it("mounts volumes, folders, tmpfs and anonymous volumes", () => {
    const config = hostOf({
      tmpfs: ["/run:size=64m", "/tmp"],
      volumes: [
        { type: "volume", source: "data", target: "/data", volume: { nocopy: true, subpath: "a" } },
        { type: "volume", source: "shared", target: "/shared", read_only: true },
        { type: "volume", target: "/anonymous" },
        { type: "bind", source: "/srv/x", target: "/x", read_only: true, bind: { selinux: "z" } },
        { type: "bind", source: "/srv/y", target: "/y", bind: { create_host_path: false } },
        { type: "tmpfs", target: "/fast", tmpfs: { size: "1m", mode: 0o1777 } },
      ],
    });
    expect(config.Binds).toEqual(["/srv/x:/x:ro,z"]);
    expect(config.Tmpfs).toEqual({ "/run": "size=64m", "/tmp": "" });
    expect(config.Mounts?.slice(0, -1)).toEqual([
      {
        Type: "volume",
        Source: "shop_data",
        Target: "/data",
        VolumeOptions: { NoCopy: true, Subpath: "a" },
      },
      { Type: "volume", Source: "shared", Target: "/shared", ReadOnly: true, VolumeOptions: {} },
      { Type: "volume", Target: "/anonymous", VolumeOptions: {} },
      { Type: "bind", Source: "/srv/y", Target: "/y" },
      { Type: "tmpfs", Target: "/fast", TmpfsOptions: { SizeBytes: 1024 ** 2, Mode: 0o1777 } },
    ]);
  });

  it("gives unnamed volumes of what never runs twice a name, so that its data outlives a replacement", () => {
    const compose: ComposeService = {
      tmpfs: ["/fast:size=1m"],
      volumes: [
        { type: "volume", source: "data", target: "/data" },
        { type: "volume", target: "/more data" },
      ],
    };
    const labels = {
      "roadstead.managed-by": "roadstead",
      "roadstead.stack": "shop",
      "roadstead.environment": "production",
    };
    const kept = (name: string, target: string) => ({
      Type: "volume",
      Source: `shop_web.${name}`,
      Target: target,
      VolumeOptions: { Labels: labels },
    });
    const mounts = hostOf(compose, { keepsData: true }).Mounts;
    expect(mounts?.slice(1, -1)).toEqual([
      kept("more.data", "/more data"),
      kept("var.lib.db", "/var/lib/db"),
    ]);
    expect(hostOf(compose, { keepsData: true, job: true }).Mounts?.map(({ Source }) => Source)).not.toContain(
      "shop_web.var.lib.db",
    );
    expect(hostOf(compose).Mounts?.map(({ Target }) => Target)).not.toContain("/var/lib/db");
  });

  it("outside production volumes and networks carry the environment, external ones never", () => {
    const staging = {
      scope: { stack: "shop", environment: "staging" },
    };
    const config = hostOf(
      {
        networks: { default: null, proxy: null },
        volumes: [
          { type: "volume", source: "data", target: "/data" },
          { type: "volume", source: "shared", target: "/shared" },
        ],
      },
      staging,
    );
    expect(config.NetworkMode).toBe("shop_default-staging");
    expect(config.Mounts?.map((mount) => mount.Source).slice(0, 2)).toEqual(["shop_data-staging", "shared"]);
  });

  it.each([
    [{}, { Name: "unless-stopped" }],
    [{ restart: "always" }, { Name: "unless-stopped" }],
    [{ restart: "no" }, { Name: "no" }],
    [{ restart: "on-failure:3" }, { Name: "on-failure", MaximumRetryCount: 3 }],
    [{ deploy: { restart_policy: { condition: "none" } } }, { Name: "no" }],
    [
      { deploy: { restart_policy: { condition: "on-failure", max_attempts: 5 } } },
      { Name: "on-failure", MaximumRetryCount: 5 },
    ],
    [{ deploy: { restart_policy: {} } }, { Name: "unless-stopped" }],
  ])("restart policy of %j is %j (R-167)", (compose: ComposeService, policy) => {
    expect(hostOf(compose).RestartPolicy).toEqual(policy);
  });

  it("leaves health checks to the platform, the image's own included: the engine would run each a second time (R-158)", () => {
    const healthcheck = { test: ["CMD", "node", "healthcheck.js"], interval: "30s" };
    expect(plan({ healthcheck }).config.Healthcheck).toEqual({ Test: ["NONE"] });
    expect(plan({}).config.Healthcheck).toEqual({ Test: ["NONE"] });
  });

  it("binds what the runtime publishes, not what the edge holds (R-113)", () => {
    const ports: ReplicaSpec["ports"] = [
      { port: 80, protocol: "http", published: { hostIp: "", port: 8080, by: "runtime" } },
      { port: 53, protocol: "udp", published: { hostIp: "0.0.0.0", port: 53, by: "runtime" } },
      { port: 81, protocol: "tcp", published: { hostIp: "127.0.0.1", port: 8081, by: "edge" } },
      { port: 82, protocol: "tcp" },
    ];
    const { config } = plan({}, { ports });
    expect(config.HostConfig.PortBindings).toEqual({
      "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }],
      "53/udp": [{ HostIp: "0.0.0.0", HostPort: "53" }],
    });
    expect(hostOf({}, { ports, job: true })).not.toHaveProperty("PortBindings");
  });
});

describe("names lead where they should (R-114)", () => {
  const addresses: ServiceAddress[] = [
    { service: "api", host: "10.0.1.200", network: "data", allow: ["10.0.1.0/24"], aliases: ["backend"] },
    { service: "api", host: "10.0.0.200", network: "default", allow: ["10.0.0.0/24"] },
    { service: "hidden", host: "10.0.1.201", network: "data", allow: ["10.0.1.0/24"] },
  ];

  it("a proxied service has no name of its own in the network; its peers know its address", () => {
    const { config } = plan({ networks: { default: { aliases: ["www"] } } }, { addresses });
    expect(config.NetworkingConfig?.EndpointsConfig).toEqual({ shop_default: {} });
    expect(config.HostConfig.ExtraHosts).toEqual(["api:10.0.0.200"]);
  });

  it("the first network of the service decides; written hosts win; aliases count", () => {
    const networks = { data: { priority: 5 }, default: null };
    expect(hostOf({ networks, extra_hosts: ["hidden=1.2.3.4"] }, { addresses }).ExtraHosts).toEqual([
      "hidden:1.2.3.4",
      "api:10.0.1.200",
      "backend:10.0.1.200",
    ]);
    const host = hostOf({ network_mode: "host" }, { addresses }).ExtraHosts;
    expect(host).toContain("hidden:10.0.1.201");
    expect(hostOf({ network_mode: "none" }, { addresses })).not.toHaveProperty("ExtraHosts");
  });

  it("a direct service answers to its name, its aliases and its container name", () => {
    const compose = {
      networks: { data: { aliases: ["db"], ipv4_address: "10.0.1.10" }, default: null },
      container_name: "shop-db",
    };
    const { config, connect } = plan(compose, { addressing: "direct" });
    expect(config.NetworkingConfig?.EndpointsConfig).toEqual({
      shop_data: { Aliases: ["web", "shop-db", "db"], IPAMConfig: { IPv4Address: "10.0.1.10" } },
    });
    expect(connect).toEqual([{ network: "shop_default", config: { Aliases: ["web", "shop-db"] } }]);
  });

  it("on an external network every service keeps its plain name", () => {
    const { config } = plan({ networks: { proxy: null } });
    expect(config.NetworkingConfig?.EndpointsConfig).toEqual({ proxy: { Aliases: ["web"] } });
  });

  it("a link's second name leads to the same address, or is refused", () => {
    const networks = { default: null };
    expect(hostOf({ networks, links: ["api:upstream"] }, { addresses }).ExtraHosts).toEqual([
      "api:10.0.0.200",
      "upstream:10.0.0.200",
    ]);
    expect(() => plan({ networks, links: ["database:db"] })).toThrow(/links/);
  });

  it("a job has its own argv and label, and no name, restart or health check", () => {
    const { config } = plan(
      {
        command: ["serve"],
        restart: "always",
        healthcheck: { test: ["CMD", "true"] },
        networks: { default: null },
      },
      { job: true, argv: ["migrate"], addressing: "direct" },
    );
    expect(config).toMatchObject({ Cmd: ["migrate"], Healthcheck: { Test: ["NONE"] } });
    expect(config.Labels["roadstead.job"]).toBe("job_1");
    expect(config.HostConfig.RestartPolicy).toEqual({ Name: "no" });
    expect(config.NetworkingConfig?.EndpointsConfig).toEqual({ shop_default: {} });
  });
});

describe("what cannot be honoured raises", () => {
  const refused: [string, ComposeService, string?][] = [
    ["credential_spec", { credential_spec: { file: "x" } }],
    ["external_links", { external_links: ["other"] }],
    ["volumes_from", { volumes_from: ["other"] }],
    ["models", { models: ["llm"] }],
    ["isolation", { isolation: "hyperv" }],
    ["ipc", { ipc: "service:other" }],
    ["network_mode", { network_mode: "service:other" }],
    ["restart", { restart: "sometimes" }],
    ["mem_limit", { mem_limit: "lots" }],
    ["stop_grace_period", { stop_grace_period: "soon" }],
    ["volumes[0]", { volumes: [{ type: "volume", source: "unknown", target: "/x" }] }],
    ["volumes[0]", { volumes: [{ type: "npipe", source: "x", target: "/x" }] }],
    ["volumes[0]", { volumes: [{ type: "image", source: "x", target: "/x" }] }],
    ["volumes[0]", { volumes: [{ type: "bind", source: "/a:b", target: "/x" }] }],
    ["networks.nowhere", { networks: { nowhere: null } }],
    ["annotations", { annotations: { a: "b" } }, "1.41"],
    ["interface_name", { networks: { default: { interface_name: "eth9" } } }],
  ];
  it.each(refused)("%s", (key, compose, apiVersion) => {
    const attempt = () => plan(compose, apiVersion === undefined ? {} : { apiVersion });
    expect(attempt).toThrow(
      expect.objectContaining({ code: "RUNTIME_UNSUPPORTED", hint: expect.stringMatching(/./) }),
    );
    expect(attempt).toThrow(key);
  });
});
