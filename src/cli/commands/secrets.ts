import type { ApiClient, CallInput } from "../../api/contract/client.ts";
import type { ApiTable } from "../../api/contract/table.ts";
import type { Scope } from "../../rollout/ids.ts";
import { carryOut, followOptions, reasonOption } from "../carry-out.ts";
import { paramsOf, stackOption } from "../choose-scope.ts";
import { confirm, yesOption } from "../confirm.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { environmentScope } from "../environment-scope.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { readSecret } from "../read-secret.ts";
import { renderVariables } from "../render/environment.ts";
import { renderTable } from "../render/table.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

type Change = CallInput<ApiTable["environment"]["change"]>["body"]["changes"][number];
type Work = { client: ApiClient; scope: Scope; words: readonly string[]; invocation: Invocation };

export const secretsCommand: CommandSpec = {
  name: "secrets",
  summary: "List, set, rotate and unset the secrets of an environment",
  description:
    "Values are read from standard input or typed unseen, encrypted at rest, and never shown again. With --from a secret stays where it is and is read at each deploy. A secret that a Compose file calls external gets its content from here too.",
  arguments: [
    { name: "[action]", description: "list (default), set, unset, rotate, rotate-key or provider" },
    { name: "[names...]", description: "names of secrets" },
  ],
  options: [
    stackOption,
    { flags: "--from <reference>", description: "set: vault:<mount>/<path>#<key> or command:<name>" },
    { flags: "--keep-previous <name>", description: "rotate: the value before goes on under this name" },
    yesOption,
    ...followOptions,
    reasonOption,
  ],
  examples: [
    { command: "roadstead secrets set JWT_SECRET < jwt.key", meaning: "from a file" },
    { command: "roadstead secrets set DB_PASSWORD --from vault:kv/shop#password", meaning: "kept in Vault" },
    { command: "roadstead secrets rotate JWT_SECRET", meaning: "a new value, and a rollout of what uses it" },
    { command: "roadstead secrets rotate-key", meaning: "everything encrypted anew under a new key" },
  ],
  json: "document",
  exits: [1, 3, 4],
  run: secrets,
};

const perStack: Readonly<Record<string, (work: Work) => Promise<ExitCode>>> = { list, set, unset, rotate };
const actions = [...Object.keys(perStack), "rotate-key", "provider"];

async function secrets(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", ...words] = invocation.words;
  const [word] = words;
  if (word?.includes("="))
    throw usageError(
      "a secret's value must not stand in the command line",
      `Pipe it in: roadstead secrets ${action} ${word.slice(0, word.indexOf("="))} < FILE`,
    );
  if (!actions.includes(action))
    throw usageError(`unknown action ${action}`, suggestionHint(action, actions, "action"));
  const client = await connect(invocation);
  if (action === "provider") return await provider(invocation, client);
  if (action === "rotate-key") return await rotateKey(invocation, client);
  const scope = await environmentScope(invocation, client);
  return (await perStack[action]?.({ client, scope, words, invocation })) ?? 2;
}

async function list({ client, scope, invocation }: Work): Promise<ExitCode> {
  const { signal, now } = invocation.context;
  const found = await client.environment.list({ params: paramsOf(scope), signal });
  const variables = found.variables.filter(({ secret }) => secret);
  answer(invocation, { scope, variables }, (style) => renderVariables(variables, now(), style));
  return 0;
}

async function set(work: Work): Promise<ExitCode> {
  const name = oneName(work, "set");
  const from = work.invocation.options.text("from");
  if (from !== undefined) return await change(work, [{ kind: "reference", name, reference: from }]);
  return await change(work, [{ kind: "secret", name, value: await readSecret(work.invocation, name) }]);
}

async function unset(work: Work): Promise<ExitCode> {
  if (work.words.length === 0) throw usageError("which secret?", "roadstead secrets unset NAME");
  return await change(
    work,
    work.words.map((name) => ({ kind: "unset", name })),
  );
}

async function rotate(work: Work): Promise<ExitCode> {
  const { client, scope, invocation } = work;
  const { context, options } = invocation;
  const name = oneName(work, "rotate");
  const params = { ...paramsOf(scope), name };
  const { services } = await client.environment.affected({ params, signal: context.signal });
  for (const service of services) say(context, `  ${service.name}: replaced by ${service.strategy}`);
  if (services.length === 0) say(context, `  no service of ${scope.stack} uses ${name}`);
  if (services.some(({ kind }) => kind === "database"))
    say(context, "  a database keeps its password in its data: change it there first");
  await confirm(invocation, `Rotate ${name} of ${scope.stack} in ${scope.environment}?`);
  const { variables } = await client.environment.list({ params: paramsOf(scope), signal: context.signal });
  const isReference = variables.find((one) => one.name === name)?.set?.kind === "reference";
  const keep = options.text("keepPrevious");
  const deployment = await client.environment.rotate({
    params,
    body: {
      reason: options.text("reason") ?? "",
      ...(isReference ? {} : { value: await readSecret(invocation, name) }),
      ...(keep === undefined ? {} : { keepPreviousAs: keep }),
    },
    signal: context.signal,
  });
  return await carryOut(invocation, client, deployment);
}

async function provider(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const found = await client.environment.providers({ signal: invocation.context.signal });
  answer(invocation, found, (style) =>
    renderTable(
      ["PROVIDER", "STATE", ""],
      found.providers.map(({ name, ok, message }) => [
        name,
        ok ? style.good("ok") : style.bad("down"),
        message,
      ]),
      style,
    ),
  );
  return found.providers.every(({ ok }) => ok) ? 0 : 1;
}

async function rotateKey(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const { context, options } = invocation;
  await confirm(invocation, "Encrypt everything under a new key? Backups made before need the old one.");
  const body = { reason: options.text("reason") ?? "" };
  const done = await client.environment.rotateKey({ body, signal: context.signal });
  answer(invocation, done, () => `${done.values} values are encrypted under the new key\n`);
  return 0;
}

async function change({ client, scope, invocation }: Work, changes: readonly Change[]): Promise<ExitCode> {
  const { context, options } = invocation;
  const body = { changes: [...changes], reason: options.text("reason") ?? "" };
  const found = await client.environment.change({ params: paramsOf(scope), body, signal: context.signal });
  const touched = new Set(changes.map(({ name }) => name));
  const shown = found.variables.filter(({ name }) => touched.has(name));
  answer(invocation, { scope, variables: shown }, (style) => renderVariables(shown, context.now(), style));
  say(context, `counts from the next deploy of ${scope.stack} to ${scope.environment} on`);
  return 0;
}

function oneName({ words }: Work, action: string): string {
  const [name] = words;
  if (name === undefined || words.length > 1)
    throw usageError("which secret?", `roadstead secrets ${action} NAME`);
  return name;
}
