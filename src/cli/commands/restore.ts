import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ApiClient } from "../../api/contract/client.ts";
import type { RestoreView } from "../../api/contract/restores.ts";
import { reasonOption } from "../carry-out.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { confirm, yesOption } from "../confirm.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderForeseen, renderPoints, renderRestore, renderRestores } from "../render/restores.ts";
import { answer, say } from "../terminal.ts";

export const restoreCommand: CommandSpec = {
  name: "restore",
  summary: "Bring data back: into new volumes first, proven, then switched; what served stays until released",
  description:
    "Restores a database, a volume, a service or the whole stack: the newest verified backup, one by --snapshot, --date or --at; of a database with points in time the last moment, the moment --at, or the named --point. The copy is built on new volumes and compared with its manifest while everything goes on serving; then its services are restarted on it, with the requests of those that need them held. `undo` switches back, `release` removes the volumes that nothing uses any more, `points` says what can be brought back, `list` what was.",
  arguments: [
    {
      name: "[words...]",
      description: "[STACK] [SERVICE|VOLUME]; or list, points, show, undo, release with an id",
    },
  ],
  options: [
    stackOption,
    { flags: "--at <time>", description: "as it was then, e.g. 2026-11-21T14:03:00Z" },
    { flags: "--point <name>", description: "as it was at a named point" },
    { flags: "--snapshot <id>", description: "this backup, whatever its verdict" },
    { flags: "--date <day>", description: "the newest verified backup of a day, e.g. 2026-11-20" },
    { flags: "--from-backup", description: "a backup, even where every moment can be brought back" },
    { flags: "--as <environment>", description: "into another environment of the stack" },
    { flags: "--mask <file>", description: "SQL that is run in each new database before anybody may use it" },
    { flags: "--no-safety", description: "don't copy once more what serves; its volume stays anyway" },
    { flags: "--accept-suspect", description: "also when much of the data seems to be lost at that moment" },
    { flags: "--no-wait", description: "come back at once" },
    yesOption,
    reasonOption,
  ],
  examples: [
    { command: "roadstead restore shop db --date 2026-11-20", meaning: "the database as of that day" },
    { command: "roadstead restore shop db --at 2026-11-21T14:03:00Z", meaning: "just before the accident" },
    { command: "roadstead restore shop --as staging --mask mask.sql", meaning: "production's data, masked" },
    { command: "roadstead restore undo restore_0m3", meaning: "what served before serves again" },
  ],
  json: "document",
  exits: [1, 3, 4],
  run: restore,
};

const lookEveryMs = 300;

async function restore(invocation: Invocation): Promise<ExitCode> {
  const [first, second] = invocation.words;
  const client = await connect(invocation);
  if (first === "list" || first === "points") return await look(invocation, client, first);
  if (first === "show" || first === "undo" || first === "release") {
    if (second === undefined) throw usageError(`which restore?`, `roadstead restore ${first} ID`);
    return await afterwards(invocation, client, { action: first, id: second });
  }
  return await begin(invocation, client);
}

async function look(invocation: Invocation, client: ApiClient, what: "list" | "points"): Promise<ExitCode> {
  const { scope } = await chooseScope(invocation, client, invocation.words[1]);
  const { signal, now } = invocation.context;
  const params = paramsOf(scope);
  if (what === "points") {
    const found = await client.restores.points({ params, signal });
    answer(invocation, found, (style) => renderPoints(found.sources, now(), style));
  } else {
    const found = await client.restores.list({ params, signal });
    answer(invocation, found, (style) => renderRestores(found.restores, now(), style));
  }
  return 0;
}

async function afterwards(
  invocation: Invocation,
  client: ApiClient,
  { action, id }: { action: "show" | "undo" | "release"; id: string },
): Promise<ExitCode> {
  const { signal } = invocation.context;
  const params = { id };
  if (action === "show") return print(invocation, await client.restores.show({ params, signal }));
  const body = { reason: invocation.options.text("reason") ?? "" };
  if (action === "release") {
    await confirm(invocation, `Remove the volumes that ${id} has left? It cannot be undone any more.`);
    return print(invocation, await client.restores.release({ params, body, signal }));
  }
  await confirm(
    invocation,
    `Switch back to what served before ${id}? Writes since then stay in its volumes.`,
  );
  const begun = await client.restores.undo({ params, body, signal });
  return print(invocation, await followed(invocation, client, begun));
}

async function begin(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const { words, options, context } = invocation;
  if (words.length > 2) throw usageError("too many words", "roadstead restore [STACK] [SERVICE|VOLUME]");
  const { stacks } = await client.stacks.list({ signal: context.signal });
  const [first, second] = words;
  const isStack = second !== undefined || stacks.some(({ scope }) => scope.stack === first);
  const { scope } = await chooseScope(invocation, client, isStack ? first : undefined);
  const wish = await wishOf(invocation, isStack ? second : first);
  const params = paramsOf(scope);
  const foreseen = await client.restores.foresee({ params, body: wish, signal: context.signal });
  say(context, renderForeseen(foreseen).trimEnd());
  await confirm(invocation, `Restore into ${foreseen.scope.stack} (${foreseen.scope.environment})?`);
  const body = { ...wish, reason: options.text("reason") ?? "" };
  const begun = await client.restores.begin({ params, body, signal: context.signal });
  if (!options.notDisabled("wait")) return print(invocation, begun);
  return print(invocation, await followed(invocation, client, begun));
}

async function wishOf({ options, context }: Invocation, what: string | undefined) {
  const at = options.text("at");
  const moment = at === undefined ? undefined : Date.parse(at);
  if (moment !== undefined && Number.isNaN(moment))
    throw usageError(`${at} is no time`, "write it as 2026-11-21T14:03:00Z");
  const maskFile = options.text("mask");
  const mask = maskFile === undefined ? undefined : await readFile(resolve(context.cwd, maskFile), "utf8");
  const texts = Object.entries({
    what,
    mask,
    snapshot: options.text("snapshot"),
    date: options.text("date"),
    point: options.text("point"),
    as: options.text("as"),
  }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...(Object.fromEntries(texts) as Partial<
      Record<"what" | "mask" | "snapshot" | "date" | "point" | "as", string>
    >),
    ...(moment === undefined ? {} : { at: moment }),
    ...(options.flag("from-backup") ? { fromBackup: true } : {}),
    ...(options.notDisabled("safety") ? {} : { noSafety: true }),
    ...(options.flag("accept-suspect") ? { acceptSuspect: true } : {}),
  };
}

async function followed(invocation: Invocation, client: ApiClient, begun: RestoreView): Promise<RestoreView> {
  const { context } = invocation;
  let told = "";
  for (let run = begun; ; ) {
    if (run.phase !== told) say(context, `${run.id}: ${phases[run.phase]}`);
    told = run.phase;
    if (run.finishedAt !== undefined) return run;
    await new Promise((go) => setTimeout(go, lookEveryMs));
    context.signal.throwIfAborted();
    run = await client.restores.show({ params: { id: begun.id }, signal: context.signal });
  }
}

const phases: Readonly<Record<RestoreView["phase"], string>> = {
  build: "building a new instance; everything goes on serving",
  safety: "proven; waiting for the last copy of what serves",
  switch: "switching the services over",
};

function print(invocation: Invocation, run: RestoreView): ExitCode {
  answer(invocation, run, (style) => renderRestore(run, style));
  return run.state === "failed" ? 1 : 0;
}
