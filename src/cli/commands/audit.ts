import type { ApiClient } from "../../api/contract/client.ts";
import type { AuditEntryView } from "../../api/contract/system.ts";
import { systemClock } from "../../lib/clock.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderTable } from "../render/table.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, outStyle, printJson, say } from "../terminal.ts";

export const auditCommand: CommandSpec = {
  name: "audit",
  summary: "Show who changed what, follow it, export it, and verify that nothing was altered",
  description:
    "The trail can only be added to: each entry's hash covers the one before it, and a seal under the store's key the last. verify recomputes all of them and ends with 1 if an entry was changed, moved or removed. export writes every entry, oldest first, one JSON document a line.",
  arguments: [{ name: "[action]", description: "list (default), verify or export" }],
  options: [
    { flags: "-n, --limit <count>", description: "list: so many, newest last (default: 30)" },
    { flags: "-f, --follow", description: "list: and what comes, until Ctrl-C" },
  ],
  examples: [
    { command: "roadstead audit --follow", meaning: "the last changes, and each new one" },
    { command: "roadstead audit verify", meaning: "0: intact, 1: tampered with" },
    { command: "roadstead audit export > audit.ndjson", meaning: "for the archive" },
  ],
  json: "stream",
  exits: [1],
  run: audit,
};

const actions = ["list", "verify", "export"];
const page = 500;
const pollMs = 2000;

async function audit(invocation: Invocation): Promise<ExitCode> {
  const [action = "list"] = invocation.words;
  const client = await connect(invocation);
  switch (action) {
    case "list":
      return await list(invocation, client);
    case "verify":
      return await verify(invocation, client);
    case "export":
      for await (const entry of oldestFirst(client, 0)) printJson(invocation.context, entry);
      return 0;
    default:
      throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  }
}

async function list(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const { context, options, json } = invocation;
  const limit = limitOf(options.text("limit"));
  const { entries } = await client.system.audit({ query: { limit } });
  const shown = [...entries].reverse();
  if (json) for (const entry of shown) printJson(context, entry);
  else context.stdout.write(renderTable(head, shown.map(rowOf), outStyle(context)));
  if (!options.flag("follow")) return 0;
  for (let last = shown.at(-1)?.seq ?? 0; !context.signal.aborted; ) {
    await systemClock.sleep(pollMs, context.signal);
    for await (const entry of oldestFirst(client, last)) {
      if (json) printJson(context, entry);
      else context.stdout.write(`${rowOf(entry).join("  ")}\n`);
      last = entry.seq;
    }
  }
  return 0;
}

async function verify(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const found = await client.system.verifyAudit();
  const { firstBroken } = found;
  answer(invocation, found, (style) => {
    if (found.ok) return `${style.good("✓")} the audit trail is intact\n`;
    if (!firstBroken || firstBroken.seq === 0)
      return `${style.bad("✗")} entries are missing at the end of the audit trail\n`;
    return `${style.bad("✗")} entry ${firstBroken.seq} does not fit the audit trail: ${rowOf(firstBroken).join("  ")}\n`;
  });
  if (!found.ok)
    say(
      invocation.context,
      "Compare with your last export or backup: what was written before that entry holds.",
    );
  return found.ok ? 0 : 1;
}

/** Every entry beyond `after`. The API's pages go back from the newest, so the numbers of the pages are found first. */
async function* oldestFirst(
  client: ApiClient,
  after: number,
): AsyncGenerator<AuditEntryView, void, undefined> {
  const [newest] = (await client.system.audit({ query: { limit: 1 } })).entries;
  for (let from = after; from < (newest?.seq ?? 0); from += page) {
    const { entries } = await client.system.audit({ query: { limit: page, before: from + page + 1 } });
    yield* entries.filter(({ seq }) => seq > from).reverse();
  }
}

const head = ["#", "WHEN", "WHO", "WHAT", "ON", ""];

function rowOf({ seq, at, actor, action, target, detail }: AuditEntryView): string[] {
  const time = new Date(at).toISOString().slice(0, 19).replace("T", " ");
  const facts = Object.entries(detail).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return [String(seq), time, actor, action, target, facts.join(" ").slice(0, 120)];
}

function limitOf(text: string | undefined): number {
  const limit = Number(text ?? 30);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw usageError(`--limit ${text} is no number between 1 and 1000`);
  return limit;
}
