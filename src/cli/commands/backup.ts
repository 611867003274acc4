import { resolve } from "node:path";
import type { BackupView } from "../../api/contract/backups.ts";
import type { ApiClient } from "../../api/contract/client.ts";
import { reasonOption } from "../carry-out.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { confirm, yesOption } from "../confirm.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import type { PulledBackup } from "../pull-backup.ts";
import { readSecret } from "../read-secret.ts";
import { suggestionHint } from "../suggest.ts";
import { answer, say } from "../terminal.ts";

export const backupCommand: CommandSpec = {
  name: "backup",
  summary: "Back up databases, volumes and host folders, each copy proven by a restore",
  description:
    "A backup counts once it was read back, restored into a throw-away place and compared with its source. `run` waits for the verdict and ends with 1 unless it is verified. `plan` says what is covered, when, and what is not. `pull` brings snapshots here as plain files of the tools' own formats. `repository add` makes a repository, or opens an existing one with `--key`; its key is shown once: without it nothing can be read. S3 credentials are taken from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
  arguments: [
    {
      name: "[action]",
      description: "plan (default), run, list, show, verify, pull, keep, release, repository",
    },
    { name: "[words...]", description: "run, pull: sources; show, verify, keep, release: a backup's id" },
  ],
  options: [
    stackOption,
    { flags: "--no-wait", description: "run: come back at once" },
    { flags: "--to <folder>", description: "pull: where to (default: ./backups)" },
    { flags: "--all", description: "pull: every snapshot, not the newest verified one of each source" },
    { flags: "--key", description: "repository add: it exists; read its key from standard input" },
    { flags: "--default", description: "repository add: stacks that name none go there" },
    { flags: "--read-data", description: "repository check: every byte" },
    yesOption,
    reasonOption,
  ],
  examples: [
    {
      command: "roadstead backup repository add offsite /mnt/backups",
      meaning: "makes it, and prints its key",
    },
    { command: "roadstead backup run -s shop", meaning: "everything of shop, now" },
    { command: "roadstead backup list -s shop", meaning: "what there is, with verdicts" },
    { command: "roadstead backup pull -s shop --to ~/backups", meaning: "the newest good copies, as files" },
    { command: "roadstead backup repository check offsite --read-data", meaning: "reads all of it" },
  ],
  json: "document",
  exits: [1, 3, 4],
  run: backup,
};

const actions: Readonly<Record<string, (work: Work) => Promise<ExitCode>>> = {
  plan,
  run,
  list,
  show,
  verify,
  pull,
  keep: (work) => pin(work, true),
  release: (work) => pin(work, false),
  repository,
};

type Work = { invocation: Invocation; client: ApiClient; words: readonly string[] };

/** Between two looks at a backup that is under way. */
const lookEveryMs = 500;

async function backup(invocation: Invocation): Promise<ExitCode> {
  const [action = "plan", ...words] = invocation.words;
  const handle = actions[action];
  if (!handle || !Object.hasOwn(actions, action))
    throw usageError(`unknown action ${action}`, suggestionHint(action, Object.keys(actions), "action"));
  return await handle({ invocation, client: await connect(invocation), words });
}

async function plan({ invocation, client, words }: Work): Promise<ExitCode> {
  const { scope } = await chooseScope(invocation, client, words[0]);
  const { signal, now } = invocation.context;
  const found = await client.backups.plan({ params: paramsOf(scope), signal });
  const { renderBackupPlan } = await import("../render/backups.ts");
  answer(invocation, found, (style) => renderBackupPlan(found, now(), style));
  return found.repository === undefined ? 1 : 0;
}

async function run({ invocation, client, words }: Work): Promise<ExitCode> {
  const { scope } = await chooseScope(invocation, client);
  const { options, context } = invocation;
  const body = { sources: [...words], reason: options.text("reason") ?? "" };
  const params = paramsOf(scope);
  const { backups } = await client.backups.run({ params, body, signal: context.signal });
  if (!options.notDisabled("wait")) return await print(invocation, backups);
  return await print(invocation, await followed(invocation, client, backups));
}

async function list({ invocation, client, words }: Work): Promise<ExitCode> {
  const { scope } = await chooseScope(invocation, client);
  const [source] = words;
  const query = source === undefined ? {} : { source };
  const { signal } = invocation.context;
  const { backups } = await client.backups.list({ params: paramsOf(scope), query, signal });
  await print(invocation, backups);
  return 0;
}

async function show(work: Work): Promise<ExitCode> {
  const { invocation, client } = work;
  const { signal, now } = invocation.context;
  const found = await client.backups.show({ params: { id: idOf(work, "show") }, signal });
  const { renderBackup } = await import("../render/backups.ts");
  answer(invocation, found, (style) => renderBackup(found, now(), style));
  return 0;
}

async function verify(work: Work): Promise<ExitCode> {
  const { invocation, client } = work;
  const { signal } = invocation.context;
  const begun = await client.backups.verify({ params: { id: idOf(work, "verify") }, signal });
  return await print(invocation, await followed(invocation, client, [begun]));
}

async function pin(work: Work, keep: boolean): Promise<ExitCode> {
  const { invocation, client } = work;
  const { context, options } = invocation;
  const body = keep ? { pinned: options.text("reason") ?? "kept by hand" } : {};
  const params = { id: idOf(work, keep ? "keep" : "release") };
  const done = await client.backups.pin({ params, body, signal: context.signal });
  answer(
    invocation,
    done,
    () => `${done.id} ${keep ? "stays until it is released" : "follows its retention again"}\n`,
  );
  return 0;
}

async function pull({ invocation, client, words }: Work): Promise<ExitCode> {
  const { scope } = await chooseScope(invocation, client);
  const { context, options } = invocation;
  const query = { limit: 1000 };
  const { backups } = await client.backups.list({ params: paramsOf(scope), query, signal: context.signal });
  const there = backups.filter(
    (one) =>
      one.snapshot && one.forgottenAt === undefined && (words.length === 0 || words.includes(one.source)),
  );
  const good = there.filter(({ verdict }) => verdict === "verified");
  const newest = good.filter(({ source }, at) => good.findIndex((one) => one.source === source) === at);
  const wanted = options.flag("all") ? there : newest;
  const folder = resolve(context.cwd, options.text("to") ?? "backups");
  const { pullBackup } = await import("../pull-backup.ts");
  const pulled: PulledBackup[] = [];
  for (const one of wanted) pulled.push(await pullBackup(client, one, folder, context.signal));
  answer(invocation, { pulled }, () =>
    pulled.length === 0
      ? "Nothing to pull: there is no verified backup.\n"
      : pulled
          .map(({ path, transferred }) => `${transferred ? "pulled" : "here already"}  ${path}\n`)
          .join(""),
  );
  return pulled.length === 0 ? 1 : 0;
}

async function repository({ invocation, client, words }: Work): Promise<ExitCode> {
  const [action = "list", name, location] = words;
  if (action === "list") return await repositories(invocation, client);
  if (name === undefined) throw usageError("which repository?", `roadstead backup repository ${action} NAME`);
  const { context, options } = invocation;
  const { signal } = context;
  const params = { name };
  if (action === "add") return await addRepository({ invocation, client, words: [name, location ?? ""] });
  if (action === "remove") {
    await confirm(invocation, `Forget the repository ${name}? What lies there stays, and needs its key.`);
    await client.backups.removeRepository({ params, signal });
    return await repositories(invocation, client);
  }
  if (action === "key") {
    const found = await client.backups.repositoryKey({ params, signal });
    answer(invocation, found, () => `${found.key}\n`);
    return 0;
  }
  if (action !== "check")
    throw usageError(`repository has no ${action}`, "Write list, add, remove, key or check");
  const body = { readData: options.flag("readData") };
  let problems: readonly string[] = ["nothing was answered"];
  for await (const item of client.backups.checkRepository({ params, body, signal })) problems = item.problems;
  answer(invocation, { problems }, (style) =>
    problems.length === 0 ? `${style.good("ok")}\n` : problems.map((one) => `${style.bad(one)}\n`).join(""),
  );
  return problems.length === 0 ? 0 : 1;
}

async function addRepository({
  invocation,
  client,
  words: [name = "", location = ""],
}: Work): Promise<ExitCode> {
  if (location === "") throw usageError("where?", `roadstead backup repository add ${name} PATH-OR-S3-URL`);
  const { context, options } = invocation;
  const credentials: Record<string, string> = {};
  for (const variable of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"]) {
    const value = context.env[variable];
    if (location.startsWith("s3:") && value !== undefined) credentials[variable] = value;
  }
  const body = {
    name,
    location: location.startsWith("s3:") ? location : resolve(context.cwd, location),
    credentials,
    ...(options.flag("key") ? { key: await readSecret(invocation, "key") } : {}),
    ...(options.flag("default") ? { isDefault: true } : {}),
  };
  const made = await client.backups.addRepository({ body, signal: context.signal });
  answer(invocation, made, () =>
    made.key === undefined
      ? `opened ${name}\n`
      : `made ${name}\nkey, keep it elsewhere, without it nothing can be read: ${made.key}\n`,
  );
  return 0;
}

async function repositories(invocation: Invocation, client: ApiClient): Promise<ExitCode> {
  const found = await client.backups.repositories({ signal: invocation.context.signal });
  const { renderRepositories } = await import("../render/backups.ts");
  answer(invocation, found, (style) => renderRepositories(found.repositories, style));
  return 0;
}

/** Looks until all have ended, and says each phase once. */
async function followed(
  { context }: Invocation,
  client: ApiClient,
  begun: readonly BackupView[],
): Promise<BackupView[]> {
  const said = new Set<string>();
  for (;;) {
    const now: BackupView[] = [];
    for (const { id } of begun)
      now.push(await client.backups.show({ params: { id }, signal: context.signal }));
    for (const { id, source, state, phase } of now) {
      if (state !== "running" || said.has(`${id} ${phase}`)) continue;
      said.add(`${id} ${phase}`);
      say(context, `  ${source}: ${phase}`);
    }
    if (now.every(({ state }) => state === "done" || state === "failed")) return now;
    await new Promise((done) => setTimeout(done, lookEveryMs));
    context.signal.throwIfAborted();
  }
}

/** 1 when one of them has ended and is not good. */
async function print(invocation: Invocation, backups: readonly BackupView[]): Promise<ExitCode> {
  const { renderBackups } = await import("../render/backups.ts");
  answer(invocation, { backups }, (style) => renderBackups(backups, invocation.context.now(), style));
  const bad = backups.some(
    ({ state, verdict }) => state === "failed" || (state === "done" && verdict !== "verified"),
  );
  return bad ? 1 : 0;
}

function idOf({ words }: Work, action: string): string {
  const [id] = words;
  if (id === undefined) throw usageError("which backup?", `roadstead backup ${action} ID`);
  return id;
}
