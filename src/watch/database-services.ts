import type { DatabaseTarget } from "../probes/port.ts";
import { imageFamily } from "../stack/image-family.ts";
import type { Service, Stack } from "../stack/stack.ts";

/** A database of a stack whose statistics can be read, and where its credentials are. */
export type DatabaseService = {
  service: string;
  kind: DatabaseTarget["kind"];
  port: number;
  /** Connections that the stack gives it, where it says so. */
  connections?: number;
  /** Statements that take longer are slow. */
  slowMs: number;
  database: Credential;
  user: Credential;
  password: Credential;
};

/** A value, or the name of the stack's secret that holds it. */
export type Credential = { value?: string; secret?: string };

const usualSlowSeconds = 0.2;

/** PostgreSQL and Redis by their images; others keep no statistics that are read here. */
export function databaseServices({ services }: Pick<Stack, "services">): DatabaseService[] {
  return services.flatMap((service) => {
    const family = imageFamily(service.compose.image ?? "")?.name;
    if (service.kind !== "database" || (family !== "postgres" && family !== "redis")) return [];
    const common = {
      service: service.name,
      kind: family,
      slowMs: (service.slowQuerySeconds ?? usualSlowSeconds) * 1000,
      port: service.ports[0]?.port ?? (family === "postgres" ? 5432 : 6379),
      ...(service.connections === undefined ? {} : { connections: service.connections }),
    } as const;
    return [{ ...common, ...(family === "postgres" ? postgresLogin(service) : redisLogin(service)) }];
  });
}

type Login = Pick<DatabaseService, "database" | "user" | "password">;

function postgresLogin(service: Service): Login {
  const user = setting(service, "POSTGRES_USER") ?? { value: "postgres" };
  return {
    user,
    database: setting(service, "POSTGRES_DB") ?? user,
    password: setting(service, "POSTGRES_PASSWORD") ?? {},
  };
}

/** The password of a Redis stands in its command, as such or as a variable that its shell puts in. */
function redisLogin(service: Service): Login {
  const { command = [], entrypoint = [], environment = {} } = service.compose;
  const words = [...(entrypoint ?? []), ...(command ?? [])].join(" ");
  const written = /--requirepass[ =]+(?:"([^"]*)"|'([^']*)'|(\S+))/.exec(words);
  const word = written?.[1] ?? written?.[2] ?? written?.[3];
  const variable = /^\$\{?(\w+)\}?$/.exec(word ?? "")?.[1];
  const value = variable === undefined ? word : (environment[variable] ?? undefined);
  const own = setting(service, "REDIS_PASSWORD") ?? {};
  return { user: {}, database: {}, password: value === undefined ? own : { value } };
}

/** `NAME`, or the content of the file that `NAME_FILE` points at. */
function setting({ compose }: Service, name: string): Credential | undefined {
  const value = compose.environment?.[name];
  if (typeof value === "string" && value !== "") return { value };
  const file = compose.environment?.[`${name}_FILE`];
  if (typeof file !== "string") return undefined;
  const grant = (compose.secrets ?? []).find(
    ({ source, target }) => file === target || file === `/run/secrets/${target ?? source}`,
  );
  return grant && { secret: grant.source };
}
