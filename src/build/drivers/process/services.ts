import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { openSync } from "node:fs";
import { chown, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setPriority } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../../lib/platform-error.ts";
import { run } from "../../../lib/run.ts";
import type { JobService } from "../../../pipeline/pipeline.ts";
import { findPostgres, findRedis, type ServerProgram } from "../../../servers/server-programs.ts";
import {
  firstClosedFolder,
  reachableFolder,
  type ServerUser,
  unprivilegedUser,
} from "../../../servers/server-user.ts";
import { buildError } from "../../errors.ts";
import type { Workspace } from "../../workspace.ts";
import { jobVariable } from "./job-processes.ts";
import { answersPing } from "./redis-ping.ts";
import { niceness } from "./run-step.ts";

const setupTimeoutMs = 2 * 60_000;
const readyTimeoutMs = 60_000;
const lookEveryMs = 50;

export type ServicesPlace = {
  workspace: Workspace;
  /** Keeps copies of server programs that their user could not reach otherwise. */
  tools: string;
  onLine: (line: string) => void;
  signal: AbortSignal;
};

/**
 * Starts the throw-away servers of a job, each with a data folder, a port and a password of its own, and answers the
 * variables that hold their URLs. They end with the job's other processes.
 */
export async function startServices(
  services: readonly JobService[],
  place: ServicesPlace,
): Promise<Record<string, string>> {
  // All of them have ended or run before the first failure ends the job: none may start after its clearing.
  const outcomes = await Promise.allSettled(
    services.map(async (service, index) => {
      const folder = join(place.workspace.services, String(index));
      try {
        return [service.variable, await start(service, folder, place)] as const;
      } catch (cause) {
        if (place.signal.aborted) throw place.signal.reason;
        throw buildError(
          "BUILD_SERVICE_UNAVAILABLE",
          `${service.kind} for ${service.variable} did not start: ${messageOf(cause)}`,
          { cause },
        );
      }
    }),
  );
  return Object.fromEntries(
    outcomes.map((outcome) => {
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    }),
  );
}

async function start(service: JobService, folder: string, place: ServicesPlace): Promise<string> {
  const { kind, version } = service;
  const major = Number.parseInt(version, 10);
  const program =
    kind === "postgres" ? await findPostgres(major, place.signal) : await findRedis("redis", place.signal);
  if (Number.parseInt(program.version, 10) !== major)
    place.onLine(
      `${service.variable}: ${kind} ${version} is not on this machine, ${program.version} is used`,
    );
  const user = await userOf(kind, place.workspace);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (user) await chown(folder, user.uid, user.gid);
  const bin = user ? await reachable(program, user, place) : program.bin;
  const server: Server = { folder, bin, port: await freePort(), password: randomBytes(18).toString("hex") };
  const own = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  return await (kind === "postgres" ? startPostgres : startRedis)({ ...server, own, program }, place);
}

type Server = { folder: string; bin: string; port: number; password: string };
type OwnServer = Server & { own: { uid?: number; gid?: number }; program: ServerProgram };

/** Database servers never run as root: PostgreSQL refuses to. */
async function userOf(kind: JobService["kind"], { root }: Workspace): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const user = await unprivilegedUser(kind);
  if (!user) throw new Error(`there is no unprivileged user to run it as (useradd --system ${kind})`);
  const closed = await firstClosedFolder(root, user);
  if (closed === undefined) return user;
  throw new Error(`it runs as user ${user.name}, who cannot enter ${closed}`);
}

async function reachable(
  program: ServerProgram,
  user: ServerUser,
  { tools }: ServicesPlace,
): Promise<string> {
  if ((await firstClosedFolder(program.bin, user)) === undefined) return program.bin;
  await mkdir(tools, { recursive: true, mode: 0o711 });
  return await reachableFolder(program.bin, join(tools, `postgres-${program.version}`), user);
}

/** Nothing of it needs to survive a crash, so it never waits for the disk. */
const carelessSettings = {
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  // In the data folder: what a killed server leaves is removed with it.
  dynamic_shared_memory_type: "mmap",
  unix_socket_directories: "",
};

async function startPostgres(server: OwnServer, place: ServicesPlace): Promise<string> {
  const { folder, bin, port, password, own } = server;
  const data = join(folder, "data");
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${password}\n`, { mode: 0o400 });
  if (own.uid !== undefined && own.gid !== undefined) await chown(passwordFile, own.uid, own.gid);
  const access = ["--username=postgres", "--pwfile", passwordFile, "--auth=scram-sha-256"];
  const locale = ["--encoding=UTF8", "--locale=C.UTF-8"];
  await setUp([join(bin, "initdb"), "-D", data, ...access, ...locale, "--no-sync"], server, place);
  await rm(passwordFile);
  const quiet = ["-c", "fsync=off"];
  await setUp([join(bin, "postgres"), "--single", ...quiet, "-D", data, "postgres"], server, place, {
    input: "CREATE DATABASE test\n",
  });
  const settings = { ...carelessSettings, listen_addresses: "127.0.0.1", port: String(port) };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawnServer([join(bin, "postgres"), "-D", data, ...options], server, place);
  // Line 8 is the server's own word on its state.
  const isReady = async () => {
    const text = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "");
    return text.split("\n")[7]?.trim() === "ready";
  };
  await ready(child, isReady, server, place.signal);
  return `postgres://postgres:${password}@127.0.0.1:${port}/test`;
}

async function startRedis(server: OwnServer, place: ServicesPlace): Promise<string> {
  const { folder, port, password, own, program } = server;
  const settings = join(folder, "redis.conf");
  const lines = [`bind 127.0.0.1`, `port ${port}`, `dir ${folder}`, `save ""`, `requirepass ${password}`];
  await writeFile(settings, `${lines.join("\n")}\n`, { mode: 0o400 });
  if (own.uid !== undefined && own.gid !== undefined) await chown(settings, own.uid, own.gid);
  const child = spawnServer([program.path, settings], server, place);
  await ready(child, () => answersPing(port, password), server, place.signal);
  return `redis://:${password}@127.0.0.1:${port}/0`;
}

async function setUp(
  argv: [string, ...string[]],
  { folder, own }: OwnServer,
  { workspace, signal }: ServicesPlace,
  more: { input?: string } = {},
): Promise<void> {
  const env = serverEnvironment(workspace);
  const outcome = await run(argv, { cwd: folder, env, ...own, ...more, timeoutMs: setupTimeoutMs, signal });
  if (outcome.exitCode === 0) return;
  throw new Error(`${argv[0]} failed: ${(outcome.stderr || outcome.stdout).trim().slice(-500)}`);
}

function serverEnvironment(workspace: Workspace): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C.UTF-8", [jobVariable]: workspace.root };
}

function spawnServer(argv: readonly string[], server: OwnServer, { workspace }: ServicesPlace): ChildProcess {
  const [command = "", ...args] = argv;
  const log = openSync(logOf(server), "a");
  const child = spawn(command, args, {
    cwd: server.folder,
    env: serverEnvironment(workspace),
    ...server.own,
    detached: true,
    stdio: ["ignore", log, log],
  });
  if (child.pid !== undefined) setPriority(child.pid, niceness);
  return child;
}

function logOf({ folder }: Server): string {
  return join(folder, "log");
}

async function ready(
  child: ChildProcess,
  isReady: () => Promise<boolean>,
  server: Server,
  signal: AbortSignal,
): Promise<void> {
  let ended: string | undefined;
  child.on("error", (error) => {
    ended = messageOf(error);
  });
  child.on("exit", (code) => {
    ended ??= `it ended with exit code ${code}`;
  });
  for (const end = performance.now() + readyTimeoutMs; performance.now() < end; ) {
    signal.throwIfAborted();
    if (ended === undefined && (await isReady())) return;
    if (ended !== undefined) break;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  const log = await readFile(logOf(server), "utf8").catch(() => "");
  throw new Error(`${ended ?? "it was not ready within a minute"}: ${log.trim().slice(-500)}`);
}

/** The kernel does not give the same one out again at once, so jobs beside each other get different ones. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ port: 0, host: "127.0.0.1" }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
