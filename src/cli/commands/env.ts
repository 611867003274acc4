import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ApiClient, CallInput } from "../../api/contract/client.ts";
import type { ApiTable } from "../../api/contract/table.ts";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import { messageOf } from "../../lib/platform-error.ts";
import type { Scope } from "../../rollout/ids.ts";
import { parseEnvFile } from "../../stack/compose/dotenv.ts";
import { secretName } from "../../stack/secret-name.ts";
import { reasonOption } from "../carry-out.ts";
import { paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { environmentScope } from "../environment-scope.ts";
import { CliError, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderDifferences, renderVariables } from "../render/environment.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

type Change = CallInput<ApiTable["environment"]["change"]>["body"]["changes"][number];
type Work = { client: ApiClient; scope: Scope; words: readonly string[]; invocation: Invocation };

export const envCommand: CommandSpec = {
  name: "env",
  summary: "List, set, compare, import and export the variables of an environment",
  description:
    "What a deploy interpolates the Compose file with: the shell of who deploys wins over these, these over .env. Changes count from the next deploy on. Secrets have a command of their own.",
  arguments: [
    { name: "[action]", description: "list (default), set, unset, import, export or diff" },
    { name: "[words...]", description: "NAME=value… · NAME… · FILE · one or two environments" },
  ],
  options: [
    stackOption,
    { flags: "--plain", description: "set and import: not a secret, although its name looks like one" },
    { flags: "-o, --output <file>", description: "export: into this file, readable by you only" },
    reasonOption,
  ],
  examples: [
    { command: "roadstead env", meaning: "what is set, missing, and which services use it" },
    { command: "roadstead env set LOG_LEVEL=debug --env staging", meaning: "for the next deploy" },
    { command: "roadstead env import .env.production", meaning: "secrets among them become secrets" },
    { command: "roadstead env diff", meaning: "what the next deploy would change" },
    { command: "roadstead env diff staging production", meaning: "two environments" },
  ],
  json: "document",
  exits: [1, 3],
  run: env,
};

const actions: Readonly<Record<string, (work: Work) => Promise<ExitCode>>> = {
  list,
  set,
  unset,
  import: importFile,
  export: exportFile,
  diff,
};

async function env(invocation: Invocation): Promise<ExitCode> {
  const [action = "list", ...words] = invocation.words;
  const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (!run)
    throw usageError(`unknown action ${action}`, suggestionHint(action, Object.keys(actions), "action"));
  const client = await connect(invocation);
  return await run({ client, scope: await environmentScope(invocation, client), words, invocation });
}

async function list({ client, scope, invocation }: Work): Promise<ExitCode> {
  const { signal, now } = invocation.context;
  const found = await client.environment.list({ params: paramsOf(scope), signal });
  answer(invocation, { scope, ...found }, (style) => renderVariables(found.variables, now(), style));
  return 0;
}

async function set(work: Work): Promise<ExitCode> {
  const evenIfSecret = work.invocation.options.flag("plain");
  const changes = work.words.map((word): Change => {
    const [, name, value] = /^([^=]+)=([\s\S]*)$/.exec(word) ?? [];
    if (name === undefined || value === undefined)
      throw usageError(`${name ?? word} has no value`, "roadstead env set NAME=value");
    return { kind: "plain", name, value, evenIfSecret };
  });
  return await change(work, changes);
}

async function unset(work: Work): Promise<ExitCode> {
  return await change(
    work,
    work.words.map((name) => ({ kind: "unset", name })),
  );
}

async function importFile(work: Work): Promise<ExitCode> {
  const { invocation, words } = work;
  const [file] = words;
  if (file === undefined || words.length > 1)
    throw usageError("which file?", "roadstead env import .env.production");
  const { variables, faults } = parseEnvFile(
    readText(resolve(invocation.context.cwd, file)),
    () => undefined,
  );
  const [fault] = faults;
  if (fault) throw new CliError("CLI_FILE_INVALID", `${file}:${fault.line}: ${fault.message}`);
  const plain = invocation.options.flag("plain");
  const changes = [...variables].map(
    ([name, value]): Change =>
      !plain && isSecret(name, value)
        ? { kind: "secret", name, value }
        : { kind: "plain", name, value, evenIfSecret: true },
  );
  const secrets = changes.flatMap((one) => (one.kind === "secret" ? [one.name] : []));
  if (secrets.length > 0) say(invocation.context, `kept as secrets: ${secrets.join(", ")}`);
  return await change(work, changes);
}

function isSecret(name: string, value: string): boolean {
  return secretName.test(name) || /^[a-z][a-z0-9+.-]*:\/\/[^\s/@]*:[^\s/@]+@/i.test(value);
}

async function exportFile({ client, scope, invocation }: Work): Promise<ExitCode> {
  const { context, options } = invocation;
  const { variables } = await client.environment.list({ params: paramsOf(scope), signal: context.signal });
  const lines = variables.flatMap(({ name, set }) => {
    if (set === undefined) return [];
    return set.kind === "plain" ? [`${name}=${quoted(set.value)}`] : [`# ${name} is a secret and stays here`];
  });
  const text = lines.map((line) => `${line}\n`).join("");
  const output = options.text("output");
  if (output !== undefined) await writeFileAtomic(resolve(context.cwd, output), text, 0o600);
  answer(invocation, { scope, ...(output === undefined ? { text } : { output }) }, () =>
    output === undefined ? text : `${output}\n`,
  );
  return 0;
}

async function diff({ client, scope, words, invocation }: Work): Promise<ExitCode> {
  if (words.length > 2) throw usageError("too many words", "roadstead env diff [FROM] [TO]");
  const [first, second] = words;
  const from = second === undefined ? scope.environment : (first ?? scope.environment);
  const to = second ?? first;
  const { differences } = await client.environment.compare({
    params: { stack: scope.stack, environment: from },
    query: to === undefined ? {} : { with: to },
    signal: invocation.context.signal,
  });
  const names = to === undefined ? (["live", "next"] as const) : ([from, to] as const);
  answer(invocation, { stack: scope.stack, from: names[0], to: names[1], differences }, (style) =>
    renderDifferences(differences, names, style),
  );
  return 0;
}

async function change({ client, scope, invocation }: Work, changes: readonly Change[]): Promise<ExitCode> {
  if (changes.length === 0) throw usageError("which variables?", "roadstead env set NAME=value");
  const { context, options } = invocation;
  const body = { changes: [...changes], reason: options.text("reason") ?? "" };
  const found = await client.environment.change({ params: paramsOf(scope), body, signal: context.signal });
  const touched = new Set(changes.map(({ name }) => name));
  const shown = found.variables.filter(({ name }) => touched.has(name));
  answer(invocation, { scope, variables: shown }, (style) => renderVariables(shown, context.now(), style));
  say(context, `counts from the next deploy of ${scope.stack} to ${scope.environment} on`);
  return 0;
}

function quoted(value: string): string {
  if (/^[\w.,:/@%+-]*$/.test(value)) return value;
  return value.includes("'") || value.includes("\n")
    ? `"${value.replaceAll(/[\\"$]/g, "\\$&").replaceAll("\n", "\\n")}"`
    : `'${value}'`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new CliError("CLI_FILE_UNREADABLE", `${path}: ${messageOf(cause)}`, { exitCode: 3, cause });
  }
}
