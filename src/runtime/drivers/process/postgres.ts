import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../../lib/run.ts";
import { runtimeError } from "../../errors.ts";
import type { ReplicaSpec } from "../../port.ts";
import type { Launch } from "./launch.ts";
import { initialisePostgres } from "./postgres-init.ts";
import { realPaths } from "./real-paths.ts";
import { dataFolder, ownFolder, type ServerContext } from "./servers.ts";

const imageData = "/var/lib/postgresql/data";

/**
 * What the image's entrypoint does, for the server of this machine: a fresh data folder is initialised (user, password,
 * database, scripts) aside and put in place when complete; then the server itself is the replica.
 */
export async function preparePostgres(
  spec: ReplicaSpec,
  context: ServerContext & { launch: Launch; bin: string },
): Promise<Launch> {
  const { launch, bin, place, layout, signal } = context;
  const environment = await withFiles(launch.env);
  const mounted = dataFolder(spec, launch, place, "postgres");
  const wanted = launch.env["PGDATA"];
  const data = wanted === undefined || wanted === imageData ? mounted : realPaths(wanted, launch.mappings);
  const sockets = join(layout.run, createHash("sha256").update(data).digest("hex").slice(0, 12));
  await ownFolder(sockets, place);
  await chmod(sockets, 0o700);
  if (existsSync(join(data, "PG_VERSION"))) await checkVersion(spec, data, bin, signal);
  else await initialisePostgres({ data, sockets, bin, environment, launch, place, signal });
  const user = environment["POSTGRES_USER"] ?? "postgres";
  const published = spec.ports.some(
    ({ published: at, port }) => at?.port === port && at.hostIp === "127.0.0.1",
  );
  const addresses = published && place.host !== "127.0.0.1" ? `${place.host},127.0.0.1` : place.host;
  const given = launch.argv.filter((word, index) => index > 0 || word !== "postgres");
  const settings = {
    listen_addresses: addresses,
    port: String(place.port),
    unix_socket_directories: sockets,
  };
  const own = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return {
    ...launch,
    argv: [join(bin, "postgres"), "-D", data, ...given, ...own],
    cwd: data,
    // The socket is ours alone and trusted, so that psql and pg_dump beside the server need no password.
    env: {
      ...launch.env,
      PGDATA: data,
      PGHOST: sockets,
      PGPORT: String(place.port),
      PGUSER: user,
      PGDATABASE: environment["POSTGRES_DB"] ?? user,
    },
    // Fast shutdown, the stop signal of the image: https://www.postgresql.org/docs/17/server-shutdown.html
    stopSignal: (spec.compose.stop_signal ?? "SIGINT") as NodeJS.Signals,
  };
}

/** `POSTGRES_PASSWORD_FILE` and its kin hold the path of a file with the value. */
async function withFiles(environment: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const whole: Record<string, string> = { ...environment };
  for (const name of ["POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "POSTGRES_INITDB_ARGS"]) {
    const path = environment[`${name}_FILE`];
    if (path === undefined || whole[name] !== undefined) continue;
    whole[name] = await readFile(path, "utf8").then(
      (text) => text.replace(/\r?\n$/, ""),
      (cause) => {
        const hint = "Grant the secret to the service under `secrets`.";
        throw runtimeError("RUNTIME_START_FAILED", `cannot read ${name}_FILE (${path})`, { hint, cause });
      },
    );
  }
  return whole;
}

async function checkVersion(
  spec: ReplicaSpec,
  data: string,
  bin: string,
  signal: AbortSignal,
): Promise<void> {
  const written = (await readFile(join(data, "PG_VERSION"), "utf8")).trim();
  const { stdout } = await run([join(bin, "postgres"), "--version"], { timeoutMs: 10_000, signal });
  const major = /(\d+)\.\d+/.exec(stdout)?.[1];
  if (major === written) return;
  throw runtimeError(
    "RUNTIME_START_FAILED",
    `the data of ${spec.service} was written by PostgreSQL ${written}, the server of this machine is ${major}`,
    { hint: `Install PostgreSQL ${written}, or dump with the old version and restore into a new volume.` },
  );
}
