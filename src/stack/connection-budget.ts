import type { ComposeService } from "./compose-model.ts";
import { imageFamily } from "./image-family.ts";
import type { Service, Stack } from "./stack.ts";

/** What the clients of one database may open at the same time, while two releases run side by side. */
export type ConnectionBudget = {
  database: string;
  /** What the server gives to clients. */
  available: number;
  needed: number;
  /** One for each client whose pool is known. */
  clients: readonly { service: string; pool: number; replicas: number; generations: number }[];
};

/** What a server accepts by default, less what it keeps for its administrators. */
const defaults: Readonly<Record<string, { accepts: number; reserved: number }>> = {
  postgres: { accepts: 100, reserved: 3 },
  mysql: { accepts: 151, reserved: 0 },
  mariadb: { accepts: 151, reserved: 0 },
};
const poolName =
  /^(DATABASE|DB|PG|POSTGRES|MYSQL|TYPEORM|SEQUELIZE|KNEX)_?(POOL|CONNECTION_POOL|POOL_SIZE|POOL_MAX|MAX_POOL_SIZE|CONNECTION_LIMIT|MAX_CONNECTIONS)$/;
const poolInAddress = /[?&](?:connection_limit|pool_size|max_pool_size|pool_max)=(\d+)/i;

/** One budget for each database of the stack that has clients with known pools. */
export function connectionBudgets({ services }: Pick<Stack, "services">): ConnectionBudget[] {
  return services.flatMap((database) => {
    const available = availableOf(database);
    if (available === undefined) return [];
    const clients = services.flatMap((service) => {
      const pool = service.name === database.name ? undefined : poolOf(service);
      if (pool === undefined || !uses(service, database)) return [];
      const { replicas } = service;
      return [{ service: service.name, pool, replicas, generations: generationsOf(service) }];
    });
    const needed = clients.reduce((sum, one) => sum + one.pool * one.replicas * one.generations, 0);
    return clients.length === 0 ? [] : [{ database: database.name, available, needed, clients }];
  });
}

/** `api 10 × 10 × 2 = 200` for each client: pool, replicas, releases side by side. */
export function budgetText({ clients }: ConnectionBudget): string {
  return clients
    .map(
      ({ service, pool, replicas, generations }) =>
        `${service} ${pool} × ${replicas} × ${generations} = ${pool * replicas * generations}`,
    )
    .join(", ");
}

function availableOf({ kind, compose, connections }: Service): number | undefined {
  const known = kind === "database" ? defaults[imageFamily(compose.image ?? "")?.name ?? ""] : undefined;
  if (known === undefined) return undefined;
  const written = [...(compose.command ?? []), ...(compose.entrypoint ?? [])]
    .join(" ")
    .match(/max[_-]connections[= ](\d+)/)?.[1];
  const accepts = connections ?? (written === undefined ? known.accepts : Number(written));
  return accepts - known.reserved;
}

/** As written, else from a variable or an address that the common libraries read. */
function poolOf({ connections, compose }: Service): number | undefined {
  if (connections !== undefined) return connections;
  const variables = Object.entries(compose.environment ?? {});
  const named = variables.find(([name, value]) => poolName.test(name) && /^\d+$/.test(value ?? ""))?.[1];
  if (named) return Number(named);
  const inAddress = variables.flatMap(([, value]) => poolInAddress.exec(value ?? "")?.[1] ?? [])[0];
  return inAddress === undefined ? undefined : Number(inAddress);
}

/** A client names the database's host in a variable, or waits for it. */
function uses({ compose, dependsOn }: Service, database: Service): boolean {
  if (dependsOn.some(({ service }) => service === database.name)) return true;
  const hosts = [database.name, database.compose.container_name, ...aliasesOf(database.compose)];
  const values = Object.values(compose.environment ?? {}).flatMap((value) => value ?? []);
  return hosts.some((host) => host !== undefined && values.some((value) => namesHost(value, host)));
}

function aliasesOf({ networks }: ComposeService): string[] {
  return Object.values(networks ?? {}).flatMap((network) => network?.aliases ?? []);
}

function namesHost(value: string, host: string): boolean {
  if (value === host) return true;
  const at = value.indexOf(host);
  if (at < 0) return false;
  return /[@/]$/.test(value.slice(0, at)) && /^[:/?,]|^$/.test(value.slice(at + host.length));
}

/** How many releases of a service have their pools open at the same time. */
function generationsOf({ strategy }: Service): number {
  switch (strategy) {
    case "blue-green":
    case "canary":
    case "rolling":
      return 2;
    case "recreate":
    case "singleton":
      return 1;
  }
}
