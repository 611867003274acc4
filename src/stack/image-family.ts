/** What is publicly documented about well-known images: enough to know a database and its port without asking. */
export type ImageFamily = {
  name: string;
  database: boolean;
  /** Port of the image's documentation. */
  port?: number;
  /** Commands that its variants without a full userland are known to lack. */
  lacks: readonly string[];
};

const stores: readonly [RegExp, string, number][] = [
  [/^(postgres|postgis|timescaledb(-ha)?|pgvector|postgresql|supabase-postgres)$/, "postgres", 5432],
  [/^(mysql|mysql-server|percona|percona-server)$/, "mysql", 3306],
  [/^(mariadb|mariadb-galera)$/, "mariadb", 3306],
  [/^(mongo|mongodb|mongodb-community-server)$/, "mongo", 27017],
  [/^(redis|redismod|rejson|redisearch|redis-stack|redis-stack-server)$/, "redis", 6379],
  [/^(valkey|keydb|dragonfly)$/, "redis", 6379],
  [/^memcached$/, "memcached", 11211],
  [/^rabbitmq$/, "rabbitmq", 5672],
  [/^(elasticsearch|opensearch)$/, "elasticsearch", 9200],
  [/^(clickhouse|clickhouse-server)$/, "clickhouse", 8123],
  [/^cassandra$/, "cassandra", 9042],
  [/^couchdb$/, "couchdb", 5984],
  [/^influxdb$/, "influxdb", 8086],
  [/^neo4j$/, "neo4j", 7687],
  [/^etcd$/, "etcd", 2379],
  [/^nats$/, "nats", 4222],
  [/^(kafka|cp-kafka)$/, "kafka", 9092],
  [/^zookeeper$/, "zookeeper", 2181],
  [/^(mssql\/server|mssql-server)$/, "mssql", 1433],
  [/^minio$/, "minio", 9000],
  [/^meilisearch$/, "meilisearch", 7700],
  [/^typesense$/, "typesense", 8108],
  [/^qdrant$/, "qdrant", 6333],
];

const servers: readonly [RegExp, string, number][] = [
  [/^(nginx|nginx-unprivileged|openresty)$/, "nginx", 80],
  [/^(httpd|apache)$/, "httpd", 80],
  [/^caddy$/, "caddy", 80],
  [/^traefik$/, "traefik", 80],
];

/** The family of an image reference such as `docker.io/library/postgres:16-alpine`; `undefined` for an unknown one. */
export function imageFamily(reference: string): ImageFamily | undefined {
  const { repository, tag } = splitReference(reference);
  const name = repository.split("/").at(-1) ?? "";
  const lacks = lackedTools(name, tag);
  const store = stores.find(([pattern]) => pattern.test(name) || pattern.test(repository));
  if (store) return { name: store[1], database: true, port: nginxPort(name, store[2]), lacks };
  const server = servers.find(([pattern]) => pattern.test(name));
  if (server) return { name: server[1], database: false, port: nginxPort(name, server[2]), lacks };
  return lacks.length > 0 ? { name, database: false, lacks } : undefined;
}

export type ImageReference = { repository: string; tag?: string; digest?: string };

/** Takes `registry:5000/team/app:1.2@sha256:…` apart; the registry stays part of the repository. */
export function splitReference(reference: string): ImageReference {
  const [name = "", digest] = reference.split("@");
  const colon = name.lastIndexOf(":");
  const tagged = colon > name.lastIndexOf("/");
  return {
    repository: tagged ? name.slice(0, colon) : name,
    ...(tagged ? { tag: name.slice(colon + 1) } : {}),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The unprivileged variant can't bind 80: https://hub.docker.com/r/nginxinc/nginx-unprivileged */
function nginxPort(name: string, port: number): number {
  return name === "nginx-unprivileged" ? 8080 : port;
}

/**
 * Alpine images have BusyBox's wget but no curl unless it was added; Debian `slim` ones have neither; `distroless`
 * and `scratch` have not even a shell. The official nginx and caddy Alpine images do bring curl or wget.
 */
function lackedTools(name: string, tag = ""): string[] {
  if (/distroless|^scratch$|^static$/.test(name)) return ["curl", "wget", "nc", "sh"];
  const runtimes =
    /^(node|python|ruby|php|golang|rust|alpine|bun|deno|openjdk|eclipse-temurin|debian|ubuntu)$/;
  if (!runtimes.test(name)) return [];
  if (name === "alpine" || /alpine/.test(tag)) return ["curl"];
  if (/slim/.test(tag) || name === "debian" || name === "ubuntu") return ["curl", "wget", "nc"];
  return [];
}
