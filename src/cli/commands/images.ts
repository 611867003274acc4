import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { answer } from "../terminal.ts";

export const imagesCommand: CommandSpec = {
  name: "images",
  summary: "Show which images of releases this host keeps and why, or remove the rest",
  description:
    "`images prune` removes what no live, warm or recent release needs; it happens by itself once a day. Images that Roadstead did not make or pull are never touched. `images tags` shows what was pushed from here: versions, and aliases with what they pointed at before. `images prune --registry` removes from the registry that `up --registry` runs what was pushed from here and nothing needs.",
  arguments: [
    { name: "[verb]", description: "prune: remove what is removable; tags: what was pushed" },
    { name: "[repository]", description: "with tags: only this one" },
  ],
  options: [
    { flags: "--keep <count>", description: "releases of each stack whose images stay (default: 5)" },
    { flags: "--registry", description: "with prune: the registry of this installation, not its host" },
    { flags: "--reason <text>", description: "for the audit trail" },
  ],
  examples: [
    { command: "roadstead images", meaning: "live, warm, among the last five, removable" },
    { command: "roadstead images prune --keep 3", meaning: "make room" },
    { command: "roadstead images tags", meaning: "where `latest` has pointed, and who moved it" },
  ],
  json: "document",
  exits: [1],
  run: images,
};

async function images(invocation: Invocation): Promise<ExitCode> {
  const { options, context, words } = invocation;
  const [verb, repository] = words;
  if (verb === "tags") return await tags(invocation, repository);
  if (verb !== undefined && verb !== "prune")
    throw usageError(`images has no ${verb}`, "Write `roadstead images prune` or `roadstead images tags`");
  const registry = options.flag("registry");
  if (registry && verb !== "prune") throw usageError("--registry goes with `images prune`");
  const keep = Number(options.text("keep") ?? 5);
  if (!Number.isInteger(keep) || keep < 0 || keep > 1000)
    throw usageError("--keep takes a number from 0 to 1000");
  const client = await connect(invocation);
  const { signal } = context;
  const reason = options.text("reason") ?? "";
  if (registry) {
    const answered = await client.images.pruneRegistry({ body: { keep, reason }, signal });
    answer(invocation, answered, () =>
      answered.removed.length === 0
        ? "Nothing to remove.\n"
        : answered.removed
            .map((one) => `removed ${one.repository}@${one.digest} (${one.tags.join(", ")})\n`)
            .join(""),
    );
    return 0;
  }
  const found =
    verb === undefined
      ? await client.updates.images({ query: { keep }, signal })
      : await client.updates.pruneImages({ body: { keep, reason }, signal });
  const { renderImages } = await import("../render/images.ts");
  answer(invocation, found, (style) => renderImages(found.images, verb === "prune", style));
  return 0;
}

async function tags(invocation: Invocation, repository: string | undefined): Promise<ExitCode> {
  const client = await connect(invocation);
  const { context } = invocation;
  const query = repository === undefined ? {} : { repository };
  const found = await client.images.tags({ query, signal: context.signal });
  const { renderTags } = await import("../render/image-tags.ts");
  answer(invocation, found, (style) => renderTags(found.tags, context.now(), style));
  return 0;
}
