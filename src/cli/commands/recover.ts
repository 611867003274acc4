import { spawn } from "node:child_process";
import type { ReadinessView, RecoveryView } from "../../api/contract/recover.ts";
import { systemClock } from "../../lib/clock.ts";
import { confirm, yesOption } from "../confirm.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { CliError, interrupted, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { resolveSettings } from "../settings.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, errStyle, say } from "../terminal.ts";

const pollMs = 500;
const upOptions = ["runtime", "edge", "http", "https", "api"] as const;

export const recoverCommand: CommandSpec = {
  name: "recover",
  summary:
    "Bring a lost server back from a repository onto this empty host, or see whether that could be done",
  description:
    "With --from, on an empty host: shows what the repository holds and asks; then fences the old host, brings back the control plane with its users, secrets and certificates, starts it, and brings back each stack: images, volumes, databases, the same release. Last, every public route is asked through the new edge. Killed half-way, the same command goes on. `recover check` on a living host tells what would be missing (1: something); `recover save` makes a fresh copy now; `recover show` prints the table again.",
  arguments: [{ name: "[verb]", description: "check, save, show, or nothing with --from" }],
  options: [
    {
      flags: "--from <repository>",
      description: "folder or s3:https://host/bucket/path (credentials: AWS_*)",
    },
    { flags: "--key-file <file>", description: "file with the key of the repository" },
    { flags: "--installation <id>", description: "where the repository holds several" },
    {
      flags: "--snapshot <id>",
      description: "this state of the control plane (default: the last verified one)",
    },
    {
      flags: "--runtime <name>",
      description: "as for `up` (default: as it was)",
      choices: ["process", "docker"],
    },
    {
      flags: "--edge <name>",
      description: "as for `up` (default: as it was)",
      choices: ["embedded", "haproxy"],
    },
    { flags: "--http <address>", description: "HTTP entry's address (default: as it was)" },
    { flags: "--https <address>", description: "HTTPS entry's address (default: as it was)" },
    { flags: "--api <address>", description: "address of the API (default: as it was)" },
    { flags: "--reason <text>", description: "for the audit trail" },
    yesOption,
  ],
  examples: [
    {
      command: "roadstead recover --from /mnt/backup --key-file key",
      meaning: "all of it, on an empty host",
    },
    { command: "roadstead recover check", meaning: "what a lost host would take along" },
    { command: "roadstead recover save", meaning: "a proven copy of the control plane now" },
  ],
  json: "document",
  exits: [1, 4],
  run: recover,
};

async function recover(invocation: Invocation): Promise<ExitCode> {
  const [verb] = invocation.words;
  switch (verb) {
    case undefined:
      return await fromRepository(invocation);
    case "check":
      return await check(invocation);
    case "save":
      return await save(invocation);
    case "show":
      return await show(invocation);
    default:
      throw usageError(`recover has no ${verb}`, suggestionHint(verb, ["check", "save", "show"], "verb"));
  }
}

async function fromRepository(invocation: Invocation): Promise<ExitCode> {
  const { context, options, settings } = invocation;
  if (options.text("from") === undefined || options.text("keyFile") === undefined)
    throw usageError("recover needs --from and --key-file", "Or `roadstead recover check` on a living host.");
  const { recoverHome } = await import("../recover-home.ts");
  const { renderOffer } = await import("../render/recover.ts");
  const found = await recoverHome(invocation, false);
  if (!found.resume) {
    if (found.offer) say(context, renderOffer(found.offer, context.now(), errStyle(context)).trimEnd());
    await confirm(invocation, `recover this onto ${settings.home}? The old host is fenced`);
    await recoverHome(invocation, true);
  } else say(context, "the control plane is back already: going on with the stacks");
  await startControlPlane(invocation);
  const named = options.text("api");
  const fresh = resolveSettings(
    { home: settings.home, ...(named === undefined ? {} : { host: named }) },
    context,
  );
  return await follow({ ...invocation, settings: fresh }, found.resume);
}

/** As `up` does, with the addresses of the old host unless others are given. */
async function startControlPlane({ context, options, settings }: Invocation): Promise<void> {
  const passed = upOptions.flatMap((name) => {
    const value = options.text(name);
    return value === undefined ? [] : [`--${name}`, value];
  });
  const [program, ...args] = context.self;
  const child = spawn(program, [...args, "--home", settings.home, "up", ...passed], {
    stdio: ["ignore", "ignore", "inherit"],
    env: context.env,
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (ended) => resolve(ended ?? 128));
  });
  if (code !== 0)
    throw new CliError("RECOVER_FAILED", "the recovered control plane does not start; the reason is above", {
      exitCode: 1,
      hint: "Mend it and run the same `roadstead recover` again: it goes on.",
    });
}

async function follow(invocation: Invocation, again: boolean): Promise<ExitCode> {
  const { context } = invocation;
  const client = await connect(invocation);
  const { signal } = context;
  if (again) await client.recover.retry({ body: { reason: "" }, signal });
  let told = "";
  for (;;) {
    const { recovery } = await client.recover.show({ signal });
    if (!recovery) throw new CliError("RECOVER_FAILED", "the control plane knows of no recovery");
    const now = progressOf(recovery);
    if (now !== told) say(context, now);
    told = now;
    if (recovery.state !== "running") return await printed(invocation, recovery);
    await systemClock.sleep(pollMs, signal).catch(() => undefined);
    if (signal.aborted) throw interrupted();
  }
}

function progressOf({ stacks }: RecoveryView): string {
  const running =
    stacks.find(({ state }) => state === "running") ?? stacks.find(({ state }) => state === "waiting");
  const done = stacks.filter(({ state }) => state === "done" || state === "failed").length;
  const one = running ? `: ${running.scope.stack}/${running.scope.environment}, ${running.phase}` : "";
  return `${done} of ${stacks.length} stacks${one}`;
}

async function printed(invocation: Invocation, recovery: RecoveryView): Promise<ExitCode> {
  const { renderRecovery } = await import("../render/recover.ts");
  answer(invocation, recovery, (style) => renderRecovery(recovery, invocation.context.now(), style));
  return recovery.state === "failed" ? 1 : 0;
}

async function show(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const { recovery, fenced } = await client.recover.show({ signal: invocation.context.signal });
  if (fenced) throw new CliError("FENCED", `another host has taken over from this one: ${fenced.reason}`);
  if (recovery) return await printed(invocation, recovery);
  answer(invocation, {}, () => "Nothing was recovered here.\n");
  return 0;
}

async function check(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  return await ready(invocation, await client.recover.check({ signal: invocation.context.signal }));
}

async function save(invocation: Invocation): Promise<ExitCode> {
  const { context, options } = invocation;
  const client = await connect(invocation);
  const { signal } = context;
  let readiness = await client.recover.save({ body: { reason: options.text("reason") ?? "" }, signal });
  while (readiness.saving) {
    await systemClock.sleep(pollMs, signal).catch(() => undefined);
    if (signal.aborted) throw interrupted();
    readiness = await client.recover.check({ signal });
  }
  return await ready(invocation, readiness);
}

async function ready(invocation: Invocation, readiness: ReadinessView): Promise<ExitCode> {
  const { renderReadiness } = await import("../render/recover.ts");
  answer(invocation, readiness, (style) => renderReadiness(readiness, invocation.context.now(), style));
  return readiness.state?.verdict === "verified" && readiness.missing.length === 0 ? 0 : 1;
}
