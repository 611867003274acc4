import { chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { answer } from "../terminal.ts";

export const releasesCommand: CommandSpec = {
  name: "releases",
  summary: "List the releases of a stack, newest first",
  description:
    "Each release is Compose text, images by digest and secret versions together; rollback takes its number.",
  arguments: [{ name: "[stack]", description: "stack" }],
  options: [stackOption, { flags: "-n, --limit <count>", description: "at most this many (default: 20)" }],
  examples: [
    { command: "roadstead releases harbor", meaning: "numbered, with labels and ages" },
    { command: "roadstead releases harbor --json", meaning: "with images and digests" },
  ],
  json: "document",
  exits: [1, 3],
  run: releases,
};

async function releases(invocation: Invocation): Promise<ExitCode> {
  const client = await connect(invocation);
  const status = await chooseScope(invocation, client, invocation.words[0]);
  const limit = Number(invocation.options.text("limit") ?? 20);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw usageError("--limit takes a number from 1 to 500");
  const found = await client.stacks.releases({
    params: paramsOf(status.scope),
    query: { limit },
    signal: invocation.context.signal,
  });
  const { renderReleases } = await import("../render/releases.ts");
  answer(invocation, found, (style) =>
    renderReleases(found.releases, status.scope.stack, invocation.context.now(), style),
  );
  return 0;
}
