import type { BuildResultView } from "../../api/contract/images.ts";
import { run } from "../../lib/run.ts";
import { reasonOption } from "../carry-out.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { gatherWithEnvironment } from "../gather-with-environment.ts";
import { inBase64 } from "../hand-over.ts";
import { stackFileOptions } from "../stack-options.ts";
import { answer, errStyle, say } from "../terminal.ts";
import { readyToDeploy } from "./deploy.ts";

const gitLimitMs = 10_000;

export const buildCommand: CommandSpec = {
  name: "build",
  summary: "Build the images of a stack without deploying, and push them when asked to",
  description:
    "Within the same limits as builds of a run. Prints each image's digest, size, and how long every step took. With --push it goes to the registry that the stack file names, as `<branch>-<commit>` when the folder is a clean git checkout, and under the given tags; a version tag is never moved, others are, with a history.",
  arguments: [{ name: "[services...]", description: "only these services (default: all that are built)" }],
  options: [
    ...stackFileOptions,
    { flags: "--no-cache", description: "without what earlier builds have left" },
    { flags: "--push", description: "push the images" },
    {
      flags: "--tag <tag>",
      description: "with --push: also under this tag; may be repeated",
      repeatable: true,
    },
    reasonOption,
  ],
  examples: [
    { command: "roadstead build", meaning: "do the images still build?" },
    { command: "roadstead build --push --tag 1.4.2 --tag latest api", meaning: "a version by hand" },
  ],
  json: "document",
  exits: [1, 3],
  run: build,
};

async function build(invocation: Invocation): Promise<ExitCode> {
  const { options, settings, context, words } = invocation;
  const tags = options.list("tag");
  if (tags.length > 0 && !options.flag("push")) throw usageError("--tag goes with --push");
  const client = await connect(invocation);
  const gathered = await gatherWithEnvironment(invocation, client);
  const stack = await readyToDeploy(invocation, gathered);
  if (stack === undefined) return 1;
  const commit = options.flag("push")
    ? await cleanCommit(gathered.bundle.projectDirectory, context.signal)
    : undefined;
  const events = client.images.build({
    params: { stack, environment: settings.environment },
    body: {
      bundle: gathered.bundle,
      services: [...words],
      files: inBase64(gathered.files),
      noCache: options.flag("noCache"),
      ...(options.flag("push") ? { push: { tags, ...(commit ? { build: commit } : {}) } } : {}),
      reason: options.text("reason") ?? "",
    },
    signal: context.signal,
  });
  const results: BuildResultView[] = [];
  const style = errStyle(context);
  for await (const event of events) {
    if (event.type === "built") results.push(event.result);
    else say(context, `   ${style.dim(`${event.service} | `)}${event.line}`);
  }
  const { renderBuilds } = await import("../render/builds.ts");
  answer(invocation, { stack, images: results }, (out) => renderBuilds(results, out));
  return 0;
}

/** Branch and commit of a git checkout that nothing was changed in; anything else names no commit. */
async function cleanCommit(
  folder: string,
  signal: AbortSignal,
): Promise<{ ref: string; commit: string } | undefined> {
  const git = async (...argv: string[]) => {
    const outcome = await run(["git", "-C", folder, ...argv], { timeoutMs: gitLimitMs, signal }).catch(
      // Without git there is no commit.
      () => undefined,
    );
    return outcome?.exitCode === 0 ? outcome.stdout.trim() : undefined;
  };
  if ((await git("status", "--porcelain")) !== "") return undefined;
  const commit = await git("rev-parse", "HEAD");
  const ref = await git("rev-parse", "--abbrev-ref", "HEAD");
  if (commit === undefined || ref === undefined) return undefined;
  return { ref: ref === "HEAD" ? "detached" : ref, commit };
}
