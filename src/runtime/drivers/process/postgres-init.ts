import { existsSync } from "node:fs";
import { appendFile, chown, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../../../lib/platform-error.ts";
import { runtimeError } from "../../errors.ts";
import type { Launch, LaunchPlace } from "./launch.ts";
import { PostgresSession } from "./postgres-session.ts";
import { realPaths } from "./real-paths.ts";
import { runChild } from "./run-child.ts";
import { ownFolder } from "./servers.ts";
import { splitStatements } from "./sql-statements.ts";

type Setup = {
  data: string;
  sockets: string;
  bin: string;
  environment: Readonly<Record<string, string>>;
  launch: Launch;
  place: LaunchPlace;
  signal: AbortSignal;
};

/** initdb takes a second; scripts that load a dump take their time. */
const setupTimeoutMs = 10 * 60_000;

/** Makes the data folder beside its final place, so that a crash half-way leaves nothing that looks complete. */
export async function initialisePostgres(setup: Setup): Promise<void> {
  const { data, place, environment } = setup;
  const method = environment["POSTGRES_HOST_AUTH_METHOD"] ?? "scram-sha-256";
  const password = environment["POSTGRES_PASSWORD"] ?? "";
  if (password === "" && method !== "trust")
    throw runtimeError("RUNTIME_START_FAILED", "the database has no superuser password", {
      hint: "Set POSTGRES_PASSWORD, or POSTGRES_PASSWORD_FILE with a secret.",
    });
  if (existsSync(data) && (await readdir(data)).length > 0)
    throw runtimeError("RUNTIME_START_FAILED", `${data} holds files, but no database`, {
      hint: "Empty the volume, or set PGDATA to a folder inside it.",
    });
  const making = `${data}.initialising`;
  await endLeftover(setup, making);
  // PGDATA inside a volume: the folder above belongs to the server's user too.
  if (dirname(making) !== place.volumes) await ownFolder(dirname(making), place);
  await ownFolder(making, place);
  await initdb(setup, making, password, method);
  await withServer(setup, making, () => runSetup(setup));
  await rename(making, data);
}

/** A set-up that a crash of the control plane interrupted: its server may still run. */
async function endLeftover(setup: Setup, making: string): Promise<void> {
  if (existsSync(join(making, "postmaster.pid")))
    await step(setup, [join(setup.bin, "pg_ctl"), "-D", making, "-w", "-m", "immediate", "stop"]).catch(
      // It has ended by itself meanwhile; a server that survives this fails the set-up at its socket.
      () => undefined,
    );
  await rm(making, { recursive: true, force: true });
}

async function initdb(setup: Setup, data: string, password: string, method: string): Promise<void> {
  const { bin, environment, sockets, place } = setup;
  const passwordFile = join(sockets, "password");
  await writeFile(passwordFile, `${password}\n`, { mode: 0o400 });
  if (place.runAs) await chown(passwordFile, place.runAs.uid, place.runAs.gid);
  const extra = (environment["POSTGRES_INITDB_ARGS"] ?? "").split(/\s+/).filter((word) => word !== "");
  const user = environment["POSTGRES_USER"] ?? "postgres";
  const secret = password === "" ? [] : ["--pwfile", passwordFile];
  try {
    await step(setup, [
      join(bin, "initdb"),
      ...["-D", data, "--username", user, ...secret, "--auth-local=trust", `--auth-host=${method}`],
      ...["--encoding=UTF8", "--locale=C.UTF-8", ...extra],
    ]);
  } finally {
    await rm(passwordFile, { force: true });
  }
  // initdb allows 127.0.0.1 only; peers come from all of the loopback network.
  await appendFile(join(data, "pg_hba.conf"), `host all all 127.0.0.0/8 ${method}\n`);
}

/** A server without a network, for the time of the set-up. */
async function withServer(setup: Setup, data: string, work: () => Promise<void>): Promise<void> {
  const { bin, sockets } = setup;
  const control = (...argv: string[]) => step(setup, [join(bin, "pg_ctl"), "-D", data, "-w", ...argv]);
  const options = `-c listen_addresses='' -c unix_socket_directories='${sockets}' -c port=5432`;
  await control("-l", join(sockets, "setup.log"), "-o", options, "start");
  try {
    await work();
  } finally {
    await control("-m", "fast", "stop");
    await rm(join(sockets, "setup.log"), { force: true });
  }
}

async function runSetup(setup: Setup): Promise<void> {
  const { environment, launch } = setup;
  const user = environment["POSTGRES_USER"] ?? "postgres";
  const database = environment["POSTGRES_DB"] ?? user;
  if (database !== "postgres")
    await query(setup, "postgres", [`CREATE DATABASE "${database.replaceAll('"', '""')}"`]);
  const target = "/docker-entrypoint-initdb.d";
  const scripts = launch.mappings.filter((mapping) => mapping.target.startsWith(`${target}/`));
  const folder = realPaths(target, launch.mappings);
  const inFolder = folder === target ? [] : (await readdir(folder)).map((name) => join(folder, name));
  for (const path of [...inFolder, ...scripts.map(({ source }) => source)].sort())
    await runScript(setup, path, database);
}

async function runScript(setup: Setup, path: string, database: string): Promise<void> {
  if (path.endsWith(".sql")) {
    await query(setup, database, splitStatements(await readFile(path, "utf8")), path);
  } else if (path.endsWith(".sh")) {
    const executable = ((await stat(path)).mode & 0o111) !== 0;
    await step(setup, executable ? [path] : ["/bin/sh", path]);
  } else {
    throw runtimeError("RUNTIME_UNSUPPORTED", `${path} is neither .sql nor .sh`, {
      hint: "Unpack it, or use --runtime docker.",
    });
  }
}

async function query(setup: Setup, database: string, statements: string[], path?: string): Promise<void> {
  const user = setup.environment["POSTGRES_USER"] ?? "postgres";
  const socket = join(setup.sockets, ".s.PGSQL.5432");
  const session = await PostgresSession.open(socket, { user, database, timeoutMs: setupTimeoutMs });
  try {
    for (const statement of statements) {
      setup.signal.throwIfAborted();
      if (statement.startsWith("\\"))
        throw runtimeError("RUNTIME_UNSUPPORTED", `${path} uses psql's ${statement.split(/\s/)[0]}`, {
          hint: "Write it as SQL, or as a .sh script that calls psql.",
        });
      await session.query(statement);
    }
  } catch (cause) {
    const where = path === undefined ? "the new database" : path;
    throw runtimeError("RUNTIME_START_FAILED", `set-up of ${where} failed: ${messageOf(cause)}`, {
      hint: "Correct the script; the volume is still empty.",
      cause,
    });
  } finally {
    session.close();
  }
}

async function step(setup: Setup, argv: readonly string[]): Promise<void> {
  const { environment, place, sockets, signal, launch } = setup;
  const user = environment["POSTGRES_USER"] ?? "postgres";
  let output = "";
  const hear = (chunk: Uint8Array) => {
    output = (output + Buffer.from(chunk).toString("utf8")).slice(-4000);
  };
  const { exitCode, timedOut } = await runChild(argv, {
    cwd: sockets,
    env: {
      ...launch.env,
      ...environment,
      ...{ PGHOST: sockets, PGPORT: "5432", PGUSER: user, PGDATABASE: environment["POSTGRES_DB"] ?? user },
    },
    ...(place.runAs === undefined ? {} : { runAs: place.runAs }),
    timeoutMs: setupTimeoutMs,
    signal,
    onStdout: hear,
    onStderr: hear,
  });
  if (exitCode === 0 && !timedOut) return;
  const last = output.trim().split("\n").slice(-5).join("\n");
  throw runtimeError("RUNTIME_START_FAILED", `setting the database up failed: ${last}`, {
    hint: "See the message; the volume is still empty.",
  });
}
