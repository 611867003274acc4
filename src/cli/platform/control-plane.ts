import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { lifeOf, untilGone } from "../../lib/process-life.ts";
import type { CliContext } from "../context.ts";
import { CliError, interrupted } from "../errors.ts";
import { type Address, canListen, formatAddress } from "./address.ts";
import { describeProcess, isAlive, listenerOf, listProcesses, type ProcessInfo } from "./processes.ts";

export type PlatformOptions = {
  home: string;
  runtime: string;
  edge: string;
  http: Address;
  https: Address;
  api: Address;
  /** Our own registry. */
  registry?: Address | undefined;
  /** Why this host serves again although another one has taken over. */
  takeBack?: string | undefined;
  /** Host names besides localhost and IP addresses under which the API may be called. */
  allowHosts?: readonly string[] | undefined;
};

/** A first start makes keys and a database; a loaded machine takes its time. */
const startLimitMs = 30_000;
const stopLimitMs = 20_000;

/** The control plane's arguments, the same in the background and in the foreground. */
export function controlPlaneArguments(options: PlatformOptions): string[] {
  return [
    ["--home", options.home],
    ["--runtime", options.runtime],
    ["--edge", options.edge],
    ["--http", formatAddress(options.http)],
    ["--https", formatAddress(options.https)],
    ["--api", formatAddress(options.api)],
    ...(options.registry ? [["--registry", formatAddress(options.registry)]] : []),
    ...(options.takeBack === undefined ? [] : [["--take-back", options.takeBack]]),
    ...(options.allowHosts ?? []).map((host) => ["--allow-host", host]),
  ].flat();
}

/**
 * Compiled modules are kept, so that starts are quick and never load the compiler (18 MB); a small young generation
 * and few malloc arenas keep an idle control plane small (V8's default young generation grows to 48 MB).
 */
function controlPlaneEnvironment(options: PlatformOptions, context: CliContext): NodeJS.ProcessEnv {
  const flags = `${context.env["NODE_OPTIONS"] ?? ""} --max-semi-space-size=2`.trim();
  const cache = context.compileCache ?? join(options.home, "cache");
  return { ...context.env, NODE_COMPILE_CACHE: cache, NODE_OPTIONS: flags, MALLOC_ARENA_MAX: "2" };
}

/**
 * Starts the control plane as a process of its own that outlives this command, its output in `<home>/control-plane.log`,
 * and returns its pid once the API answers.
 */
export async function startInBackground(options: PlatformOptions, context: CliContext): Promise<number> {
  mkdirSync(options.home, { recursive: true, mode: 0o711 });
  const logPath = join(options.home, "control-plane.log");
  const log = openSync(logPath, "a", 0o600);
  const [program, ...args] = context.controlPlane;
  const child = spawn(program, [...args, ...controlPlaneArguments(options)], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: options.home,
    env: controlPlaneEnvironment(options, context),
  });
  closeSync(log);
  const pid = await spawned(child, program);
  child.unref();
  try {
    const ended = () => (isAlive(pid) && child.exitCode === null ? undefined : (child.exitCode ?? -1));
    await waitUntilHealthy(options, context, ended, logPath);
  } catch (error) {
    // Half a start is none: the next `up` must find a clean field.
    await endProcess(pid);
    throw error;
  }
  return pid;
}

/** Runs the control plane as a child of this command, until it ends or Ctrl-C is passed on to it. */
export async function runInForeground(options: PlatformOptions, context: CliContext): Promise<number> {
  mkdirSync(options.home, { recursive: true, mode: 0o711 });
  const [program, ...args] = context.controlPlane;
  const child = spawn(program, [...args, ...controlPlaneArguments(options)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: controlPlaneEnvironment(options, context),
  });
  await spawned(child, program);
  context.signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  return await new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}

/** True when the API answers at all: health is the one endpoint that needs no token. */
export async function answersHealth(api: string, limitMs = 2000): Promise<boolean> {
  const url = `${api.startsWith("http") ? api : `http://${api}`}/api/v1/health`;
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(limitMs) })).ok;
  } catch {
    // Refused, reset or too slow: all mean that it is not there yet.
    return false;
  }
}

/** Refuses before anything starts when a port is taken by somebody else; names them. */
export async function assertPortsFree(options: PlatformOptions): Promise<void> {
  const wanted: readonly [string, Address][] = [
    ["--api", options.api],
    ["--http", options.http],
    ["--https", options.https],
    ...(options.registry ? [["--registry", options.registry] as [string, Address]] : []),
  ];
  for (const [option, address] of wanted) {
    const free = await canListen(address);
    if (free === true) continue;
    const owner = listenerOf(address.port);
    // Our edge goes on serving while the control plane is away, and is adopted again.
    if (owner !== undefined && option !== "--api" && isEdgeOf(owner, options.home)) continue;
    if (owner !== undefined && option === "--registry" && isRegistryOf(owner, options.home)) continue;
    throw portError(option, address, free, owner);
  }
}

function portError(
  option: string,
  address: Address,
  reason: string,
  owner: ProcessInfo | undefined,
): CliError {
  const where = formatAddress(address);
  if (reason === "EACCES")
    return new CliError("CLI_PORT_FORBIDDEN", `this user may not listen on ${where}`, {
      exitCode: 1,
      hint: `Ports below 1024 need root (or CAP_NET_BIND_SERVICE); or choose another with ${option}.`,
    });
  const by = owner === undefined ? "another program" : describeProcess(owner);
  return new CliError("CLI_PORT_IN_USE", `${where} is in use by ${by}`, {
    exitCode: 1,
    hint: `Stop it, or choose another address with ${option} ADDRESS:PORT.`,
  });
}

/** Ends a process politely, and by force after the limit; false when it was not there. */
export async function endProcess(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  process.kill(pid, "SIGTERM");
  const deadline = Date.now() + stopLimitMs;
  while (isAlive(pid) && Date.now() < deadline) await systemClock.sleep(50);
  if (isAlive(pid)) process.kill(pid, "SIGKILL");
  return true;
}

/** The same, once none is just ending: a killed one is no control plane any more, but still holds its ports. */
export async function findLivingControlPlane(home: string): Promise<ProcessInfo | undefined> {
  const found = findControlPlane(home);
  if (found === undefined || lifeOf(found.pid) === "runs") return found;
  return (await untilGone(found.pid, stopLimitMs)) ? findControlPlane(home) : found;
}

/** The control plane of this home, whoever started it. */
export function findControlPlane(home: string): ProcessInfo | undefined {
  return listProcesses().find(
    ({ argv }) =>
      argv.some((word) => /control-plane\.[jt]s$/.test(word)) && valueAfter(argv, "--home") === home,
  );
}

/** Edge processes of this home: masters first, so that ending them ends their workers. */
export function findEdges(home: string): ProcessInfo[] {
  return listProcesses()
    .filter((info) => isEdgeOf(info, home))
    .sort((a, b) => a.pid - b.pid);
}

/** The registry of this home: it goes on serving while the control plane is away, too. */
export function findRegistries(home: string): ProcessInfo[] {
  return listProcesses().filter((info) => isRegistryOf(info, home));
}

function isRegistryOf({ argv }: ProcessInfo, home: string): boolean {
  return /(?:^|\/)docker-registry$/.test(argv[0] ?? "") && argv.includes(`${home}/registry/config.yml`);
}

function isEdgeOf(info: ProcessInfo, home: string): boolean {
  const program = info.argv.some((word) =>
    /(?:^|\/)(?:edge(?:-[a-z]+)?\.[jt]s|haproxy|supervise\.sh)$/.test(word),
  );
  return program && info.argv.some((word) => word === home || word.startsWith(`${home}/`));
}

function valueAfter(argv: readonly string[], option: string): string | undefined {
  const index = argv.indexOf(option);
  return index < 0 ? undefined : argv[index + 1];
}

function spawned(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve(child.pid ?? -1));
    child.once("error", (cause) =>
      reject(new CliError("CLI_START_FAILED", `cannot start ${program}`, { exitCode: 1, cause })),
    );
  });
}

async function waitUntilHealthy(
  options: PlatformOptions,
  context: CliContext,
  ended: () => number | undefined,
  logPath: string,
): Promise<void> {
  const deadline = Date.now() + startLimitMs;
  const api = formatAddress(options.api);
  while (!(await answersHealth(api))) {
    if (context.signal.aborted) throw interrupted();
    const exit = ended();
    if (exit !== undefined)
      throw startFailed(`the control plane ended at its start (exit code ${exit})`, logPath);
    if (Date.now() > deadline)
      throw startFailed(`the API did not answer at ${api} within ${startLimitMs / 1000} s`, logPath);
    await systemClock.sleep(60, context.signal).catch(() => undefined);
  }
}

function startFailed(message: string, logPath: string): CliError {
  const lines = lastLines(logPath, 15);
  const quoted = lines.length === 0 ? "" : `\n${lines.map((line) => `  | ${line}`).join("\n")}`;
  return new CliError("CLI_START_FAILED", `${message}${quoted}`, {
    exitCode: 1,
    hint: `The whole log: ${logPath}. To watch it start: roadstead up --foreground`,
  });
}

function lastLines(path: string, count: number): string[] {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-count);
  } catch {
    return [];
  }
}
