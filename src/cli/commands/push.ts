import { basename } from "node:path";
import type { ApiClient } from "../../api/contract/client.ts";
import type { RunView } from "../../api/contract/delivery.ts";
import { systemClock } from "../../lib/clock.ts";
import { hasCode } from "../../lib/platform-error.ts";
import { run } from "../../lib/run.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { CliError, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { followRun } from "../follow-run.ts";
import { errStyle, printJson, say } from "../terminal.ts";

export const pushCommand: CommandSpec = {
  name: "push",
  summary: "Push the current commit and watch it become a release",
  description:
    "Sends HEAD with git over HTTP; only what is committed takes part. The branch decides the environment (main: production). --remote also adds a git remote and its credential helper, so that plain `git push roadstead` does the same from then on.",
  options: [
    { flags: "-s, --stack <stack>", description: "stack to push to (default: the repository's folder name)" },
    { flags: "-b, --branch <branch>", description: "branch to push to (default: the current one)" },
    { flags: "--force", description: "replace a branch that has other commits" },
    { flags: "--remote", description: "add the git remote `roadstead` to this repository" },
  ],
  examples: [
    { command: "roadstead push", meaning: "the commit here, to production if the branch is main" },
    { command: "roadstead push --remote && git push roadstead main", meaning: "with plain git from now on" },
  ],
  json: "document",
  exits: [1, 3],
  run: push,
};

const quickMs = 15_000;
/** A control plane that is being restarted comes back within this. */
const awayMs = 60_000;
/** A push lasts as long as its pipeline. */
const pushMs = 6 * 60 * 60_000;

async function push(invocation: Invocation): Promise<ExitCode> {
  const { context, options, settings } = invocation;
  const top = await git(
    invocation,
    ["rev-parse", "--show-toplevel"],
    "This is not a git repository; `git init` makes one.",
  );
  const commit = await git(invocation, ["rev-parse", "HEAD"], "Commit something first.");
  const current = await git(invocation, ["branch", "--show-current"], "");
  const branch = options.text("branch") ?? current;
  if (branch === "") throw usageError("no branch is checked out", "Name one with --branch.");
  const source = options.text("stack") ?? stackNameOf(top);
  const url = `${settings.host}/git/${source}.git`;
  const client = await connect(invocation);
  if (options.flag("remote")) await addRemote(invocation, url);
  const dirty = await git(invocation, ["status", "--porcelain"], "");
  if (dirty !== "") say(context, errStyle(context).warn("what is not committed stays here"));
  const refspec = `${options.flag("force") ? "+" : ""}HEAD:refs/heads/${branch}`;
  const outcome = await run(["git", "push", url, refspec], {
    cwd: context.cwd,
    env: { ...environment(invocation), ...authorization(settings.token) },
    timeoutMs: pushMs,
    signal: context.signal,
    onLine: (line) => say(context, line.replace(/^remote: /, "").trimEnd()),
  });
  const cutOff =
    outcome.exitCode === 0 ? undefined : await whenCutOff(invocation, client, { source, commit });
  if (outcome.exitCode !== 0 && cutOff === undefined)
    throw new CliError("CLI_PUSH_FAILED", `git push ended with exit code ${outcome.exitCode}`, {
      exitCode: 1,
      hint: "git's own words are above.",
    });
  return await verdict(invocation, client, { source, commit });
}

/** A control plane that went away during the push has the commit and takes its run up again: follow that one. */
async function whenCutOff(
  invocation: Invocation,
  client: ApiClient,
  { source, commit }: { source: string; commit: string },
): Promise<RunView | undefined> {
  const deadline = invocation.context.now() + awayMs;
  for (;;) {
    try {
      const { runs } = await client.delivery.runs({ query: { source, limit: 20 } });
      const found = runs.find((candidate) => candidate.commit === commit);
      return found && (await followRun(invocation, client, found.id));
    } catch (error) {
      if (!hasCode(error, "API_UNREACHABLE") || invocation.context.now() > deadline) throw error;
      await systemClock.sleep(500, invocation.context.signal);
    }
  }
}

/** The newest run of the commit decides; git itself only says that the commit was stored. */
async function verdict(
  invocation: Invocation,
  client: ApiClient,
  { source, commit }: { source: string; commit: string },
): Promise<ExitCode> {
  const { runs } = await client.delivery.runs({ query: { source, limit: 20 } });
  const found = runs.find((candidate) => candidate.commit === commit);
  if (invocation.json) printJson(invocation.context, found ?? null);
  return found === undefined || found.state === "succeeded" || found.state === "waiting" ? 0 : 1;
}

async function addRemote(invocation: Invocation, url: string): Promise<void> {
  const remotes = (await git(invocation, ["remote"], "")).split("\n");
  const verb = remotes.includes("roadstead") ? "set-url" : "add";
  await git(invocation, ["remote", verb, "roadstead", url], "");
  const origin = new URL(url).origin;
  const program = invocation.context.self.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const home = `'${invocation.settings.home.replaceAll("'", "'\\''")}'`;
  await git(
    invocation,
    ["config", `credential.${origin}.helper`, `!${program} --home ${home} git-credential`],
    "",
  );
  say(invocation.context, `added the remote roadstead: ${url}`);
}

/** Through the environment: arguments can be read by every user of the machine. */
function authorization(token: string | undefined): Record<string, string> {
  if (token === undefined) return {};
  return {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: Bearer ${token}`,
    GIT_TERMINAL_PROMPT: "0",
  };
}

function environment({ context }: Invocation): Record<string, string> {
  return Object.fromEntries(
    Object.entries(context.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

async function git(invocation: Invocation, argv: readonly string[], hint: string): Promise<string> {
  const { context } = invocation;
  const outcome = await run(["git", ...argv], {
    cwd: context.cwd,
    env: environment(invocation),
    timeoutMs: quickMs,
    signal: context.signal,
  });
  if (outcome.exitCode === 0) return outcome.stdout.trim();
  const said = outcome.stderr.trim().split("\n").at(-1) ?? "";
  throw new CliError("CLI_GIT_FAILED", `git ${argv[0]}: ${said}`, {
    exitCode: 1,
    ...(hint === "" ? {} : { hint }),
  });
}

function stackNameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^[-_]+|-+$/g, "");
  if (name === "") throw usageError(`${basename(folder)} can't name a stack`, "Name one with --stack.");
  return name;
}
