import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { CliError, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { type Address, formatAddress, parseAddress } from "../platform/address.ts";
import {
  answersHealth,
  assertPortsFree,
  findLivingControlPlane,
  type PlatformOptions,
  runInForeground,
  startInBackground,
} from "../platform/control-plane.ts";
import { type PlatformRecord, readPlatformRecord, writePlatformRecord } from "../platform/record.ts";
import { defaultApi, type Settings } from "../settings.ts";
import { errStyle, printJson, say } from "../terminal.ts";

export const upCommand: CommandSpec = {
  name: "up",
  summary: "Start the control plane and the edge on this machine",
  description:
    "Runs in the background and outlives this command; a second up only says that it runs. The defaults need nothing installed: services run as processes, the HTTP entry is built in. For production: --runtime docker --edge haproxy --http 0.0.0.0:80 --https 0.0.0.0:443.",
  options: [
    {
      flags: "--runtime <name>",
      description: "how replicas run (default: process)",
      choices: ["process", "docker"],
    },
    {
      flags: "--edge <name>",
      description: "HTTP entry (default: embedded)",
      choices: ["embedded", "haproxy"],
    },
    { flags: "--http <address>", description: "HTTP entry's address (default: 127.0.0.1:8080)" },
    { flags: "--https <address>", description: "HTTPS entry's address (default: 127.0.0.1:8443)" },
    { flags: "--api <address>", description: `address of the API (default: ${defaultApi})` },
    {
      flags: "--registry <address>",
      description: "also run a registry for images there, on loopback; `none` for none (default: none)",
    },
    {
      flags: "--allow-host <names>",
      description:
        "host names of a proxy before the API, separated by commas; `none` for none (default: none)",
    },
    {
      flags: "--take-back <reason>",
      description: "serve again although another host has taken over (`recover`); that one is fenced then",
    },
    { flags: "--foreground", description: "stay in this terminal, logs on it, until Ctrl-C" },
    { flags: "--demo", description: "then deploy the example stack and check it" },
  ],
  examples: [
    { command: "roadstead up --demo", meaning: "everything here, with an example stack" },
    { command: "roadstead up --runtime docker --edge haproxy", meaning: "containers and HAProxy" },
    { command: "roadstead up --registry 127.0.0.1:5500", meaning: "with a registry of its own" },
    { command: "roadstead up --foreground", meaning: "under systemd" },
  ],
  json: "document",
  exits: [1],
  run: up,
};

async function up(invocation: Invocation): Promise<ExitCode> {
  const { settings, options, context } = invocation;
  const record = readPlatformRecord(settings.home);
  const wanted = platformOptions(invocation, record);
  const running = await findLivingControlPlane(settings.home);
  const answers = await answersHealth(formatAddress(wanted.api));
  if (running !== undefined || (answers && record !== undefined)) {
    assertSameOptions(wanted, record);
    if (!answers) throw notAnswering(running?.pid, settings);
    if (wanted.takeBack !== undefined)
      throw new CliError("CLI_RUNS_ALREADY", "the control plane runs: it takes nothing back meanwhile", {
        exitCode: 1,
        hint: "roadstead down --platform, then the same again.",
      });
    say(context, `already running: ${describe(wanted)}`);
  } else if (options.flag("foreground")) {
    await assertPortsFree(wanted);
    await remember(wanted, process.pid, context.now());
    return (await runInForeground(wanted, context)) === 0 ? 0 : 1;
  } else {
    await start(invocation, wanted);
  }
  if (options.flag("demo")) {
    const { runDemo } = await import("../demo.ts");
    return await runDemo(invocation, wanted);
  }
  tellSetupCode(invocation, wanted);
  await tellFenced(invocation, wanted);
  if (invocation.json) printJson(context, readPlatformRecord(settings.home) ?? {});
  else
    say(context, errStyle(context).dim("next: roadstead deploy -f compose.yaml   (or: roadstead up --demo)"));
  return 0;
}

/** While nobody is set up: how the first person gets in. */
function tellSetupCode({ settings, context }: Invocation, wanted: PlatformOptions): void {
  const file = join(settings.home, "setup-code");
  if (!existsSync(file)) return;
  say(
    context,
    `dashboard: http://${formatAddress(wanted.api)}   set-up code: ${readFileSync(file, "utf8").trim()}`,
  );
}

/** It runs, but another host has taken over: nothing is served. */
async function tellFenced({ settings, context }: Invocation, wanted: PlatformOptions): Promise<void> {
  // At its very first start there is no token yet, and nobody can have taken over.
  if (settings.token === undefined) return;
  const { createClient } = await import("../../api/contract/client.ts");
  const client = createClient({ baseUrl: `http://${formatAddress(wanted.api)}`, token: settings.token });
  // Whoever may not ask is told by the first change that is refused.
  const found = await client.recover.show({ signal: context.signal }).catch(() => undefined);
  if (!found?.fenced) return;
  const style = errStyle(context);
  say(context, `${style.bad("FENCED")}: nothing is served here. ${found.fenced.reason}`);
  say(
    context,
    "  if this host is the right one: roadstead down --platform, then roadstead up --take-back REASON",
  );
}

async function start(invocation: Invocation, wanted: PlatformOptions): Promise<void> {
  const { context } = invocation;
  await assertPortsFree(wanted);
  say(context, `starting control plane and edge (home ${wanted.home})…`);
  const before = context.now();
  const pid = await startInBackground(wanted, context);
  await remember(wanted, pid, context.now());
  const style = errStyle(context);
  say(
    context,
    `${style.good("✓")} running after ${((context.now() - before) / 1000).toFixed(1)} s: ${describe(wanted)}`,
  );
}

/** What was asked for; what was not asked for stays as it was at the last `up` of this home, else the default. */
function platformOptions(
  { settings, options }: Invocation,
  record: PlatformRecord | undefined,
): PlatformOptions {
  const address = (name: "http" | "https" | "api", fallback: string) =>
    parseAddress(options.text(name) ?? record?.[name] ?? fallback, `--${name}`);
  return {
    home: settings.home,
    runtime: options.text("runtime") ?? record?.runtime ?? "process",
    edge: options.text("edge") ?? record?.edge ?? "embedded",
    http: address("http", "127.0.0.1:8080"),
    https: address("https", "127.0.0.1:8443"),
    api: address("api", defaultApi),
    registry: registryAddress(options.text("registry") ?? record?.registry),
    allowHosts: hostNames(options.text("allowHost") ?? record?.["allow-host"]),
    takeBack: options.text("takeBack"),
  };
}

function hostNames(text: string | undefined): readonly string[] {
  if (text === undefined || text === "none") return [];
  const names = text.split(",").map((name) => name.trim().toLowerCase());
  const wrong = names.find((name) => !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name));
  if (wrong === undefined) return names;
  throw usageError(
    `${wrong} is not a host name`,
    "Write e.g. --allow-host deploy.example.com, without a port.",
  );
}

function registryAddress(text: string | undefined): Address | undefined {
  if (text === undefined || text === "none") return undefined;
  const address = parseAddress(text, "--registry");
  if (address.host === "localhost" || /^127(?:\.\d{1,3}){3}$/.test(address.host)) return address;
  throw usageError(
    "--registry listens on loopback only: it has no TLS",
    "Give it e.g. 127.0.0.1:5500, and put a proxy with TLS before it if others need it.",
  );
}

/** A running platform is not changed behind its operator's back. */
function assertSameOptions(wanted: PlatformOptions, record: PlatformRecord | undefined): void {
  if (record === undefined) return;
  const asked = asRecord(wanted);
  const different = (["runtime", "edge", "http", "https", "api", "registry", "allow-host"] as const).filter(
    (key) => asked[key] !== record[key],
  );
  if (different.length === 0) return;
  const list = different
    .map((key) => `--${key} is ${record[key] ?? "none"}, asked for ${asked[key] ?? "none"}`)
    .join("; ");
  throw new CliError("CLI_OPTIONS_DIFFER", `it already runs with other options: ${list}`, {
    exitCode: 2,
    hint: "To change them: roadstead down --platform, then roadstead up with the new options. Replicas go on meanwhile.",
  });
}

function notAnswering(pid: number | undefined, settings: Settings): CliError {
  return new CliError("CLI_NOT_ANSWERING", `the control plane runs (pid ${pid}) but does not answer`, {
    exitCode: 1,
    hint: `See ${settings.home}/control-plane.log; restart it with roadstead down --platform and roadstead up.`,
  });
}

function asRecord(wanted: PlatformOptions): Omit<PlatformRecord, "pid" | "startedAt"> {
  const { runtime, edge } = wanted;
  return {
    runtime,
    edge,
    http: formatAddress(wanted.http),
    https: formatAddress(wanted.https),
    api: formatAddress(wanted.api),
    ...(wanted.registry ? { registry: formatAddress(wanted.registry) } : {}),
    ...(wanted.allowHosts?.length ? { "allow-host": wanted.allowHosts.join(",") } : {}),
  };
}

async function remember(wanted: PlatformOptions, pid: number, startedAt: number): Promise<void> {
  await writePlatformRecord(wanted.home, { ...asRecord(wanted), pid, startedAt });
}

function describe(wanted: PlatformOptions): string {
  const { runtime, edge, http, api, registry } = asRecord(wanted);
  const more = registry === undefined ? "" : `, registry ${registry}`;
  return `API http://${api}, HTTP entry http://${http}, ${runtime} runtime, ${edge} edge${more}`;
}
