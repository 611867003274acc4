import { parseDuration } from "../../lib/duration.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { notFound, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { grantOf, grantOptions, grantText } from "../grant-options.ts";
import { renderTable } from "../render/table.ts";
import { ago, left } from "../render/time.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

export const tokenCommand: CommandSpec = {
  name: "token",
  summary: "List, create or revoke API tokens",
  description:
    "The secret of a new token is printed once, on stdout; only a hash of it is kept. Without --role it may what you may; never more, and never longer than you may yourself.",
  arguments: [
    { name: "[action]", description: "list (default), create or revoke" },
    { name: "[name]", description: "name of the token" },
  ],
  options: [
    ...grantOptions,
    { flags: "--expires <time>", description: "create: 12h, 90d or 2026-12-31 (default: never)" },
  ],
  examples: [
    {
      command: "roadstead token create ci --role developer --stack shop --env staging --expires 90d",
      meaning: "prints the secret of one that deploys there, for three months",
    },
    { command: "roadstead token revoke ci", meaning: "refused from now on" },
  ],
  json: "document",
  exits: [1, 3],
  run: token,
};

async function token(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", name] = invocation.words;
  if (action === "list") return await list(invocation);
  if (action !== "create" && action !== "revoke")
    throw usageError(
      `unknown action ${action}`,
      suggestionHint(action, ["list", "create", "revoke"], "action"),
    );
  if (name === undefined) throw usageError("which token?", `Write roadstead token ${action} NAME`);
  return action === "create" ? await create(invocation, name) : await revoke(invocation, name);
}

async function list(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const found = await client.system.tokens({ signal: invocation.context.signal });
  const now = invocation.context.now();
  const rows = found.tokens.map((entry) => [
    entry.name,
    entry.id,
    ago(entry.createdAt, now),
    entry.grants === undefined ? "admin everywhere" : entry.grants.map(grantText).join(", "),
    entry.expiresAt === undefined ? "never" : entry.expiresAt <= now ? "over" : left(entry.expiresAt, now),
    entry.lastUsedAt === undefined ? "never" : ago(entry.lastUsedAt, now),
  ]);
  answer(invocation, found, (style) =>
    renderTable(["NAME", "ID", "MADE", "MAY", "ENDS", "LAST USED"], rows, style),
  );
  return 0;
}

async function create(invocation: Invocation, name: string): Promise<ExitCode> {
  const client = await connect(invocation);
  const grant = grantOf(invocation);
  const expires = invocation.options.text("expires");
  const body = {
    name,
    ...(grant ? { grants: [grant] } : {}),
    ...(expires === undefined ? {} : { expiresAt: timeOf(expires, invocation.context.now()) }),
  };
  const made = await client.system.createToken({ body, signal: invocation.context.signal });
  answer(invocation, made, () => `${made.secret}\n`);
  say(invocation.context, "Keep it: it is not shown again. Use it with ROADSTEAD_TOKEN.");
  return 0;
}

function timeOf(text: string, now: number): number {
  const seconds = parseDuration(text);
  const at = seconds === undefined ? Date.parse(text) : now + seconds * 1000;
  if (Number.isNaN(at) || at <= now)
    throw usageError(`${text} is no time to come`, "Write 12h, 90d or 2026-12-31.");
  return Math.round(at);
}

async function revoke(invocation: Invocation, name: string): Promise<ExitCode> {
  const client = await connect(invocation);
  const { tokens } = await client.system.tokens({ signal: invocation.context.signal });
  const found = tokens.find((entry) => entry.name === name || entry.id === name);
  if (!found)
    throw notFound(
      `there is no token ${name}`,
      suggestionHint(
        name,
        tokens.map((entry) => entry.name),
        "token",
      ),
    );
  await client.system.removeToken({ params: { id: found.id }, signal: invocation.context.signal });
  answer(invocation, { removed: found }, () => `revoked ${found.name}\n`);
  return 0;
}
