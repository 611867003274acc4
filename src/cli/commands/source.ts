import type { ApiClient } from "../../api/contract/client.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderTable } from "../render/table.ts";
import { keepSourceSecrets, sourceChanges } from "../source-changes.ts";
import { answer, say } from "../terminal.ts";

export const sourceCommand: CommandSpec = {
  name: "source",
  summary: "List the repositories that feed stacks, or set one up",
  description:
    "A source is named like its stack. A first push makes it; --url makes one that is fetched from a forge instead. Branches that no environment follows are kept, not delivered. --webhook makes an address that a forge calls and prints its secret once.",
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
    { flags: "--deploy-key <file>", description: "private key for the URL (- is stdin)" },
    { flags: "--fetch-token <file>", description: "token for the URL (- is stdin)" },
    {
      flags: "--webhook <kind>",
      description: "make a webhook, or give it a new secret",
      choices: ["github", "gitea", "forgejo", "plain"],
    },
    {
      flags: "--service <name>",
      description: "--webhook: deploy only this service; repeat for several",
      repeatable: true,
    },
    { flags: "--url-token", description: "--webhook plain: take the token in the address too; logs see it" },
    { flags: "--remove-webhook <kind[/name]>", description: "remove a webhook" },
    { flags: "--status <forge:owner/name>", description: "show each run at its commit there" },
    { flags: "--status-api <url>", description: "address of that forge's API (default: GitHub's)" },
    { flags: "--status-token <file>", description: "token that may write statuses (- is stdin)" },
    { flags: "--previews <on|off>", description: "deploy pull requests", choices: ["on", "off"] },
    { flags: "--preview-ttl <duration>", description: "how long one lives without a commit (default: 72h)" },
    { flags: "--preview-quota <count>", description: "how many at once (default: 5)" },
    {
      flags: "--preview-forks <rule>",
      description: "pull requests of other repositories (default: refused)",
      choices: ["refused", "without-secrets"],
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
    { command: "roadstead source shop --webhook github", meaning: "an address and its secret" },
    { command: "roadstead source shop --webhook plain --service api", meaning: "a token for one service" },
    {
      command: "roadstead source shop --status github:acme/shop --status-token token.txt",
      meaning: "what becomes of a commit, shown at the commit",
    },
    { command: "roadstead source shop --previews on", meaning: "each pull request as a whole stack" },
  ],
  json: "document",
  exits: [1, 3],
  run: source,
};

async function source(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const [name] = invocation.words;
  if (name === undefined) return await list(invocation, client);
  const secrets = await keepSourceSecrets(invocation, client, name);
  const { sources } = await client.delivery.sources();
  const known = sources.find((one) => one.name === name);
  const changes = { ...secrets, ...sourceChanges(invocation.options, known) };
  // Also without a change: naming it makes it.
  if (Object.keys(changes).length > 0 || known === undefined)
    await client.delivery.saveSource({ params: { source: name }, body: changes });
  const removed = invocation.options.text("removeWebhook");
  if (removed !== undefined) {
    const [kind = "", hook = "all"] = removed.split("/");
    const params = { source: name, kind: kind as "github", name: hook };
    await client.forge.removeWebhook({ params });
    say(invocation.context, `the ${kind} webhook ${hook} is gone`);
  }
  const kind = invocation.options.text("webhook");
  if (kind !== undefined) return await makeWebhook(invocation, client, { name, kind });
  return await list(invocation, client);
}

async function makeWebhook(
  invocation: Invocation,
  client: ApiClient,
  { name, kind }: { name: string; kind: string },
): Promise<ExitCode> {
  const { options, settings, context } = invocation;
  const made = await client.forge.createWebhook({
    params: { source: name },
    body: {
      kind: kind as "github",
      services: [...options.list("service")],
      urlToken: options.flag("urlToken"),
    },
  });
  const url = `${settings.host}${made.webhook.path}`;
  answer(
    invocation,
    { ...made, url },
    (style) => `${renderTable(["ADDRESS", "SECRET"], [[url, made.secret]], style)}`,
  );
  say(
    context,
    "Keep the secret: it is not shown again. Give both to the forge, content type application/json.",
  );
  return 0;
}

async function list(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const found = await client.delivery.sources({ signal: invocation.context.signal });
  const rows = found.sources.map((one) => [
    one.name,
    Object.entries(one.branches)
      .map(([branch, environment]) => `${branch} → ${environment}`)
      .join(", "),
    one.previews === undefined ? "off" : `${one.previews.quota} for ${one.previews.ttlHours} h`,
    one.url ?? `pushed to ${invocation.settings.host}/git/${one.name}.git`,
  ]);
  answer(invocation, found, (style) =>
    rows.length === 0
      ? "There is no source yet. A first push makes one: roadstead push\n"
      : renderTable(["SOURCE", "BRANCHES", "PREVIEWS", "COMES FROM"], rows, style),
  );
  return 0;
}
