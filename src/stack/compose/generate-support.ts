import fc from "fast-check";

/** Random Compose projects that are mostly valid: every generated key is drawn in several of its forms. */
type Arbitrary = fc.Arbitrary<unknown>;

const word = fc.constantFrom("alpha", "beta", "gamma", "delta");
const text = fc.constantFrom(
  "a",
  "b c",
  "x=y",
  "1",
  "true",
  `\${CORPUS_SHELL}`,
  "$$literal",
  `\${CORPUS_UNSET:-d}`,
  "é",
  "",
);
const scalar = fc.oneof(
  text,
  fc.integer({ min: -5, max: 70_000 }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(0.5, 1.25, 1e21),
);
const duration = fc.constantFrom("10s", "1m30s", "90s", "500ms", "1h", "1.5m", "0s", "36h", "250us");
const size = fc.constantFrom("64m", "1g", "1024", 2048, "10kb", "1.5GB", "512MiB");
const port = fc.integer({ min: 1, max: 60_000 });

const names = fc.uniqueArray(word, { minLength: 1, maxLength: 3 });
const dictionary = fc.dictionary(fc.constantFrom("A", "B", "C_D", "com.example.x"), scalar, { maxKeys: 3 });
const assignments = fc.uniqueArray(
  fc.constantFrom("A=1", "B=two words", "C", "D=", "E=a=b", `F=\${CORPUS_SHELL}`),
  { minLength: 1, maxLength: 4 },
);
const texts = fc.uniqueArray(fc.constantFrom("p", "q", "r s", "t:u"), {
  minLength: 1,
  maxLength: 3,
});

const shortPort = fc.oneof(
  port.map(String),
  port,
  fc.tuple(port, port).map(([host, target]) => `${host}:${target}`),
  fc.tuple(port, port).map(([host, target]) => `127.0.0.1:${host}:${target}/udp`),
  port.map((from) => `${from}-${from + 2}:${from}-${from + 2}`),
  port.map((from) => `${from}-${from + 5}:80`),
  port.map((target) => `[::1]::${target}`),
);
const longPort = fc.record(
  {
    target: port,
    published: fc.oneof(port, port.map(String)),
    protocol: fc.constantFrom("tcp", "udp"),
    mode: fc.constantFrom("host", "ingress"),
    host_ip: fc.constant("127.0.0.1"),
    name: word,
  },
  { requiredKeys: ["target"] },
);
const mount = fc.oneof(
  fc.constantFrom(
    "/anon",
    "./rel:/rel",
    "/abs:/abs:ro",
    "alpha:/data",
    "beta:/data:nocopy",
    "../up:/up:rw,z",
    "~/h:/h",
    "gamma:/x/../y/",
  ),
  fc.record(
    {
      type: fc.constant("bind"),
      source: fc.constantFrom(".", "./a/b", "/c"),
      target: fc.constantFrom("/t1", "/t2/"),
      read_only: fc.boolean(),
      bind: fc.record({ create_host_path: fc.boolean() }),
    },
    { requiredKeys: ["type", "source", "target"] },
  ),
  fc.record(
    {
      type: fc.constant("tmpfs"),
      target: fc.constant("/tmp"),
      tmpfs: fc.record({ size, mode: fc.constant(448) }, { requiredKeys: [] }),
    },
    { requiredKeys: ["type", "target"] },
  ),
);
const command = fc.oneof(fc.constantFrom("run me", "sh -c 'a b'", 'x "y z" \\q', "", null), texts);
const grant = fc.oneof(
  word,
  fc.record(
    { source: word, target: fc.constantFrom("/x", "y"), uid: fc.constant("1"), mode: fc.constant(256) },
    { requiredKeys: ["source"] },
  ),
);
const ulimits = fc.dictionary(
  fc.constantFrom("nofile", "nproc"),
  fc.oneof(
    fc.integer({ min: 1, max: 99 }),
    fc.record({ soft: fc.integer({ min: 0, max: 9 }), hard: fc.integer({ min: 0, max: 9 }) }),
  ),
  { maxKeys: 2 },
);
const deviceRequest = fc.record(
  { capabilities: fc.constant(["gpu"]), count: fc.constantFrom(1, "all"), driver: word },
  { requiredKeys: ["capabilities"] },
);
const updateConfig = fc.record(
  {
    parallelism: fc.integer({ min: 0, max: 3 }),
    delay: duration,
    monitor: duration,
    order: fc.constantFrom("start-first", "stop-first"),
    max_failure_ratio: fc.constantFrom(0, 0.1, 0.33),
  },
  { requiredKeys: [] },
);
const limits = fc.record(
  { cpus: fc.constantFrom("0.5", 2, "0.3333"), memory: size, pids: fc.integer({ min: 1, max: 99 }) },
  { requiredKeys: [] },
);

const serviceKeys: Record<string, Arbitrary> = {
  annotations: fc.oneof(dictionary, assignments),
  attach: fc.boolean(),
  build: fc.oneof(
    fc.constantFrom(".", "./ctx", "https://example.com/a.git#b"),
    fc.record(
      {
        context: fc.constantFrom(".", "../c"),
        dockerfile: word,
        target: word,
        args: fc.oneof(dictionary, assignments),
        labels: fc.oneof(dictionary, assignments),
        tags: texts,
        cache_from: texts,
        no_cache: fc.boolean(),
        shm_size: size,
        ssh: fc.constant(["default"]),
        secrets: fc.array(grant, { minLength: 1, maxLength: 1 }),
        extra_hosts: fc.constant({ h: "1.2.3.4" }),
      },
      { requiredKeys: [] },
    ),
  ),
  cap_add: texts,
  command,
  configs: fc.array(grant, { minLength: 1, maxLength: 2 }),
  cpu_shares: fc.integer({ min: 0, max: 9 }),
  cpuset: fc.constant("0-1"),
  deploy: fc.record(
    {
      mode: fc.constant("replicated"),
      labels: fc.oneof(dictionary, assignments),
      update_config: updateConfig,
      rollback_config: updateConfig,
      endpoint_mode: fc.constant("vip"),
      restart_policy: fc.record(
        {
          condition: fc.constant("any"),
          delay: duration,
          window: duration,
          max_attempts: fc.integer({ min: 0, max: 3 }),
        },
        { requiredKeys: [] },
      ),
      placement: fc.record(
        { constraints: texts, max_replicas_per_node: fc.integer({ min: 0, max: 3 }) },
        { requiredKeys: [] },
      ),
      resources: fc.record(
        {
          limits,
          reservations: fc.record(
            { memory: size, devices: fc.array(deviceRequest, { minLength: 1, maxLength: 2 }) },
            { requiredKeys: [] },
          ),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  ),
  devices: fc.uniqueArray(fc.constantFrom("/dev/a", "/dev/b:/dev/c", "/dev/d:/dev/e:r"), {
    minLength: 1,
    maxLength: 2,
  }),
  dns: fc.oneof(fc.constant("1.1.1.1"), fc.constant(["8.8.8.8", "9.9.9.9"])),
  dns_search: fc.oneof(word, names),
  entrypoint: command,
  environment: fc.oneof(dictionary, assignments),
  expose: fc.uniqueArray(fc.constantFrom("80", 81, "82-84"), { minLength: 1, maxLength: 3 }),
  extra_hosts: fc.oneof(
    fc.constantFrom(["a:1.2.3.4", "b=[::1]"], ["z:9.9.9.9", "a:1.1.1.1"]),
    fc.constant({ c: "1.1.1.1", a: "::2" }),
  ),
  group_add: fc.constantFrom(["g", 7], ["h"]),
  healthcheck: fc.record(
    {
      test: fc.oneof(fc.constantFrom("curl -f x", ["CMD", "a"], ["NONE"])),
      interval: duration,
      timeout: duration,
      retries: fc.integer({ min: 0, max: 5 }),
      start_period: duration,
      disable: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
  hostname: word,
  init: fc.boolean(),
  labels: fc.oneof(dictionary, assignments),
  logging: fc.record(
    {
      driver: word,
      options: fc.dictionary(word, fc.oneof(text, fc.integer(), fc.constant(null)), { maxKeys: 2 }),
    },
    { requiredKeys: [] },
  ),
  mem_reservation: fc.constant(undefined),
  memswap_limit: size,
  networks: fc.oneof(
    names,
    fc.dictionary(
      word,
      fc.oneof(
        fc.constant(null),
        fc.record(
          { aliases: texts, ipv4_address: fc.constant("10.0.0.2"), priority: fc.integer({ min: 0, max: 5 }) },
          { requiredKeys: [] },
        ),
      ),
      { maxKeys: 3 },
    ),
  ),
  oom_score_adj: fc.integer({ min: -9, max: 9 }),
  platform: fc.constant(undefined),
  ports: fc.array(fc.oneof(shortPort, longPort), { minLength: 1, maxLength: 4 }),
  privileged: fc.oneof(fc.boolean(), fc.constantFrom("true", "no", `\${CORPUS_UNSET:-yes}`)),
  profiles: fc.constantFrom(["on"], ["off"]),
  pull_policy: fc.constantFrom("always", "if_not_present", "missing"),
  read_only: fc.boolean(),
  restart: fc.constantFrom("no", "always", "on-failure:3"),
  secrets: fc.array(grant, { minLength: 1, maxLength: 2 }),
  security_opt: texts,
  shm_size: size,
  stop_grace_period: duration,
  sysctls: fc.oneof(dictionary, assignments),
  tmpfs: fc.oneof(fc.constant("/run"), fc.constant(["/a", "/b:size=1m"])),
  tty: fc.boolean(),
  ulimits,
  user: word,
  volumes: fc.array(mount, { minLength: 1, maxLength: 4 }),
  working_dir: fc.constant("/w"),
};

const service = fc.record(serviceKeys, { requiredKeys: [] }).map((keys) => {
  const kept = Object.entries(keys as Record<string, unknown>).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept);
});

export const generatedService: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(service, fc.infiniteStream(fc.integer({ min: 0, max: 3 })))
  .map(([keys, coins]) => {
    const entries = Object.entries(keys).filter(() => coins.next().value === 0);
    return Object.fromEntries(entries);
  });

const resource = {
  labels: fc.oneof(dictionary, assignments),
  driver: word,
  driver_opts: fc.dictionary(word, fc.constantFrom("a", 1), { maxKeys: 2 }),
};
const network = fc.oneof(
  fc.constant(null),
  fc.record(
    {
      ...resource,
      internal: fc.boolean(),
      enable_ipv6: fc.boolean(),
      ipam: fc.record({
        config: fc.array(
          fc.constantFrom({ subnet: "10.0.0.0/24" }, { subnet: "10.0.1.0/24", gateway: "10.0.1.1" }),
          { minLength: 1, maxLength: 2 },
        ),
      }),
    },
    { requiredKeys: [] },
  ),
  fc.constant({ external: true }),
);
const volume = fc.oneof(
  fc.constant(null),
  fc.record(resource, { requiredKeys: [] }),
  fc.constant({ external: true, name: "outside" }),
);
const fileObject = fc.oneof(
  fc.record({ file: fc.constantFrom("./f", "/g") }),
  fc.constant({ environment: "CORPUS_SHELL" }),
);

function every(value: Arbitrary): Arbitrary {
  return fc.record({ alpha: value, beta: value, gamma: value, delta: value });
}

/** A base file and, half of the time, an override file, as objects; at least one service always has an image. */
export const project: fc.Arbitrary<{ base: unknown; override: unknown }> = fc.record({
  base: fc.record({
    services: fc
      .record({
        one: generatedService,
        two: generatedService,
        three: generatedService,
        dep: fc.constantFrom([], ["two"], { three: { condition: "service_started", required: false } }),
      })
      .map(({ one, two, three, dep }) => ({
        one: { image: "one:1", ...one, depends_on: dep },
        two: { image: "two", ...two, profiles: undefined },
        three: { extends: { service: "two" }, ...three },
      })),
    networks: every(network),
    volumes: every(volume),
    secrets: every(fileObject),
    configs: every(fileObject),
  }),
  override: fc.option(generatedService.map((one) => ({ services: { one } }))),
});
