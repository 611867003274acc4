import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderTable } from "../render/table.ts";
import { answer } from "../terminal.ts";

export const sourceCommand: CommandSpec = {
  name: "source",
  summary: "List the repositories that feed stacks, or set one up",
  description:
    "A source is named like its stack. A first push makes it; --url makes one that is fetched from a forge instead. Branches that no environment follows are kept, not delivered.",
  arguments: [{ name: "[source]", description: "source to set up" }],
  options: [
    {
      flags: "--branch <branch=environment>",
      description: "which environment follows a branch",
      repeatable: true,
    },
    { flags: "--url <url>", description: "repository to fetch from" },
    {
      flags: "-f, --file <file>",
      description: "Compose file in the repository; repeat to merge",
      repeatable: true,
    },
  ],
  examples: [
    { command: "roadstead source", meaning: "what there is" },
    {
      command: "roadstead source shop --branch main=production --branch develop=staging",
      meaning: "two environments",
    },
    {
      command: "roadstead source shop --url https://git.example.com/shop.git",
      meaning: "fetched when a run starts",
    },
  ],
  json: "document",
  exits: [1, 3],
  run: source,
};

async function source(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const [name] = invocation.words;
  if (name !== undefined) {
    const branches = invocation.options.list("branch");
    const url = invocation.options.text("url");
    const files = invocation.options.list("file");
    await client.delivery.saveSource({
      params: { source: name },
      body: {
        ...(branches.length === 0 ? {} : { branches: Object.fromEntries(branches.map(parseBranch)) }),
        ...(files.length === 0 ? {} : { composeFiles: [...files] }),
        ...(url === undefined ? {} : { url }),
      },
    });
  }
  const found = await client.delivery.sources({ signal: invocation.context.signal });
  const rows = found.sources.map((one) => [
    one.name,
    Object.entries(one.branches)
      .map(([branch, environment]) => `${branch} → ${environment}`)
      .join(", "),
    one.url ?? `pushed to ${invocation.settings.host}/git/${one.name}.git`,
  ]);
  answer(invocation, found, (style) =>
    rows.length === 0
      ? "There is no source yet. A first push makes one: roadstead push\n"
      : renderTable(["SOURCE", "BRANCHES", "COMES FROM"], rows, style),
  );
  return 0;
}

function parseBranch(text: string): [string, string] {
  const at = text.lastIndexOf("=");
  if (at <= 0 || at === text.length - 1)
    throw usageError(`${text} names no environment`, "Write --branch main=production");
  return [text.slice(0, at), text.slice(at + 1)];
}
