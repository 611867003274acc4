import { carryOut, followOptions, reasonOption } from "../carry-out.ts";
import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { notFound, usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";

export const rollbackCommand: CommandSpec = {
  name: "rollback",
  summary: "Make an earlier release current: Compose text, images and secrets together",
  description:
    "Without a release: the one that was current before. While its replicas are kept warm this takes no start, only the traffic moves.",
  arguments: [{ name: "[words...]", description: "[STACK] [RELEASE]; a release is v3, its label or its id" }],
  options: [stackOption, ...followOptions, reasonOption],
  examples: [
    { command: "roadstead rollback", meaning: "to the release before" },
    { command: "roadstead rollback v3", meaning: "to a numbered release" },
    {
      command: "roadstead rollback harbor v1.5.2 --reason 'slow pages'",
      meaning: "by label, with the reason",
    },
  ],
  json: "document",
  exits: [1, 3],
  run: rollback,
};

async function rollback(invocation: Invocation): Promise<ExitCode> {
  const { words, options, context } = invocation;
  if (words.length > 2) throw usageError("too many words", "roadstead rollback [STACK] [RELEASE]");
  const client = await connect(invocation);
  const { stacks } = await client.stacks.list({ signal: context.signal });
  const [first, second] = words;
  const firstIsStack = second !== undefined || stacks.some((status) => status.scope.stack === first);
  const status = await chooseScope(invocation, client, firstIsStack ? first : undefined);
  const wanted = firstIsStack ? second : first;
  const release = wanted === undefined ? undefined : await known(client, status.scope, wanted);
  const deployment = await client.deployments.rollback({
    params: paramsOf(status.scope),
    body: { reason: options.text("reason") ?? "", ...(release === undefined ? {} : { release }) },
    signal: context.signal,
  });
  return await carryOut(invocation, client, deployment);
}

/** The release's own id, or a refusal that lists what there is. */
async function known(
  client: Awaited<ReturnType<typeof connect>>,
  scope: { stack: string; environment: string },
  wanted: string,
): Promise<string> {
  const { releases } = await client.stacks.releases({ params: paramsOf(scope), query: { limit: 200 } });
  const found = releases.find(
    (release) => release.id === wanted || release.label === wanted || `v${release.number}` === wanted,
  );
  const byNumber = found ?? releases.find((release) => String(release.number) === wanted);
  if (byNumber) return byNumber.id;
  const list = releases
    .slice(0, 12)
    .map((release) =>
      release.label === "" ? `v${release.number}` : `v${release.number} (${release.label})`,
    );
  throw notFound(
    `${scope.stack} has no release ${wanted}`,
    list.length === 0 ? "It has none yet." : `Releases: ${list.join(", ")}.`,
  );
}
