import { readFile } from "node:fs/promises";
import type { ApiClient, CallInput } from "../../api/contract/client.ts";
import type { ChannelView, OnCallView } from "../../api/contract/notify.ts";
import type { ApiTable } from "../../api/contract/table.ts";
import { messageOf } from "../../lib/platform-error.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { readSecret } from "../read-secret.ts";
import type { Style } from "../render/style.ts";
import { renderTable } from "../render/table.ts";
import { ago } from "../render/time.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

type NewChannel = CallInput<ApiTable["notify"]["save"]>["body"];
type OnCallBody = CallInput<ApiTable["notify"]["saveOnCall"]>["body"];
const actions = ["list", "add", "remove", "test", "on-call"];
const kinds = ["webhook", "discord", "slack", "email"] as const;
const severities = ["info", "warning", "critical"] as const;

export const notifyCommand: CommandSpec = {
  name: "notify",
  summary: "Say where people are told: mail, Discord, Slack, webhooks; and who is on call",
  description:
    "`add` reads the address of a hook, or the password of a mail account, from standard input or typed unseen; it is never shown again. A webhook's requests are signed with the secret that `add` prints once. `on-call FILE` replaces contacts and escalation table with those of a JSON file; without a file it shows them, with the hours that nobody covers.",
  arguments: [
    { name: "[action]", description: "list (default), add, remove, test or on-call" },
    { name: "[name]", description: "channel; on-call: file" },
  ],
  options: [
    { flags: "--kind <kind>", description: "add: what it is", choices: kinds },
    {
      flags: "--severity <severity>",
      description: "add: this and graver (default: warning)",
      choices: severities,
    },
    { flags: "-s, --stack <stack>", description: "add: only this stack (may be repeated)", repeatable: true },
    {
      flags: "--about <kind>",
      description: "add: only alert, deployment, update, approval … (may be repeated)",
      repeatable: true,
    },
    { flags: "--smtp <host:port>", description: "add email: mail server" },
    {
      flags: "--security <how>",
      description: "add email: starttls (default), tls or none",
      choices: ["starttls", "tls", "none"],
    },
    { flags: "--from <address>", description: "add email: sender" },
    { flags: "--to <address>", description: "add email: recipient (may be repeated)", repeatable: true },
    { flags: "--user <name>", description: "add email: account; its password is asked for" },
  ],
  examples: [
    { command: "roadstead notify add ops --kind discord < hook-url.txt", meaning: "a Discord channel" },
    {
      command:
        "roadstead notify add mail --kind email --smtp mail.acme.test:587 --from road@acme.test --to ada@acme.test --user road < password.txt",
      meaning: "mail, encrypted by STARTTLS",
    },
    { command: "roadstead notify test ops", meaning: "sends a message now" },
    { command: "roadstead notify on-call contacts.json", meaning: "who is called, and when" },
  ],
  json: "document",
  exits: [1, 3],
  run: notify,
};

async function notify(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", word] = invocation.words;
  const { signal } = invocation.context;
  if (!actions.includes(action))
    throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  const client = await connect(invocation);
  if (action === "list") return await list(invocation, client);
  if (action === "on-call") return await onCall(invocation, client, word);
  if (word === undefined) throw usageError("which channel?", `roadstead notify ${action} NAME`);
  const params = { name: word };
  if (action === "add") {
    const { channel, secret } = await client.notify.save({ body: await channelOf(invocation, word), signal });
    const model = { channel, ...(secret === undefined ? {} : { secret }) };
    answer(invocation, model, (style) =>
      secret === undefined
        ? table([channel], invocation, style)
        : `${table([channel], invocation, style)}signing secret, shown this once: ${secret}\n`,
    );
    say(invocation.context, `try it: roadstead notify test ${word}`);
    return 0;
  }
  if (action === "remove") {
    await client.notify.remove({ params, signal });
    return await list(invocation, client);
  }
  const channel = await client.notify.test({ params, signal });
  answer(invocation, channel, () => `${word} took a message\n`);
  return 0;
}

async function list(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const found = await client.notify.channels({ signal: invocation.context.signal });
  answer(invocation, found, (style) => table(found.channels, invocation, style));
  return 0;
}

function table(channels: readonly ChannelView[], { context }: Invocation, style: Style): string {
  if (channels.length === 0)
    return "No channel: nobody is told of alerts. Add one: roadstead notify add NAME --kind …\n";
  const rows = channels.map(({ name, kind, shown, wish, lastSentAt, lastError }) => [
    name,
    kind,
    shown,
    `${wish.severity}${wish.severity === "critical" ? "" : " and graver"}${wish.stacks ? ` of ${wish.stacks.join(", ")}` : ""}${wish.kinds ? `, ${wish.kinds.join(", ")} only` : ""}`,
    lastSentAt === undefined ? "never" : ago(lastSentAt, context.now()),
    lastError === undefined ? "" : style.bad(lastError.message),
  ]);
  return renderTable(["CHANNEL", "KIND", "TO", "HEARS", "LAST", ""], rows, style);
}

async function channelOf(invocation: Invocation, name: string): Promise<NewChannel> {
  const { options } = invocation;
  const kind = kinds.find((one) => one === options.text("kind"));
  if (kind === undefined) throw usageError("what kind of channel?", `--kind ${kinds.join(", --kind ")}`);
  const severity = severities.find((one) => one === options.text("severity")) ?? "warning";
  const [stacks, about] = [options.list("stack"), options.list("about")];
  const wish = {
    severity,
    ...(stacks.length === 0 ? {} : { stacks }),
    ...(about.length === 0 ? {} : { kinds: about as NonNullable<NonNullable<NewChannel["wish"]>["kinds"]> }),
  };
  if (kind !== "email") return { name, kind, wish, url: await readSecret(invocation, `address of ${name}`) };
  const user = options.text("user");
  const password =
    user === undefined ? {} : { password: await readSecret(invocation, `password of ${user}`) };
  return { name, kind, wish, mail: mailOf(invocation), ...password };
}

function mailOf({ options }: Invocation): NonNullable<NewChannel["mail"]> {
  const { 1: host, 2: port } = /^(.+):(\d{1,5})$/.exec(options.text("smtp") ?? "") ?? [];
  const from = options.text("from");
  const to = options.list("to");
  if (host === undefined || from === undefined || to.length === 0)
    throw usageError(
      "mail needs a server, a sender and a recipient",
      "--smtp mail.acme.test:587 --from … --to …",
    );
  const user = options.text("user");
  const security = (options.text("security") ?? "starttls") as "starttls" | "tls" | "none";
  return { host, port: Number(port), security, from, to: [...to], ...(user === undefined ? {} : { user }) };
}

async function onCall(
  invocation: Invocation,
  client: ApiClient,
  file: string | undefined,
): Promise<ExitCode> {
  const { signal } = invocation.context;
  const found =
    file === undefined
      ? await client.notify.onCall({ signal })
      : await client.notify.saveOnCall({ body: await read(file), signal });
  answer(invocation, found, (style) => renderOnCall(found, style));
  return 0;
}

async function read(file: string): Promise<OnCallBody> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as OnCallBody;
  } catch (cause) {
    throw usageError(`${file}: ${messageOf(cause)}`, "A JSON document; the operator guide shows one.");
  }
}

function renderOnCall({ contacts, table: escalation, gaps }: OnCallView, style: Style): string {
  const classes = Object.entries(escalation.roles).map(
    ([incident, roles]) => `  ${incident}: ${roles.join(", ")}\n`,
  );
  const rows = gaps.map(({ role, covered, uncovered }) => [
    role,
    contacts
      .filter((contact) => contact.role === role)
      .map(({ name }) => name)
      .join(", ") || "nobody",
    `${covered} of 168 h`,
    uncovered === 0 ? "" : style.warn(`${uncovered} h uncovered`),
  ]);
  const rule = `Called from ${escalation.severity} on, again every ${escalation.repeatSeconds / 60} min until acknowledged:\n`;
  return `${rule}${classes.join("")}${renderTable(["ROLE", "WHO", "COVERED", ""], rows, style)}`;
}
