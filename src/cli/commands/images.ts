import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { answer } from "../terminal.ts";

export const imagesCommand: CommandSpec = {
  name: "images",
  summary: "Show which images of releases this host keeps and why, or remove the rest",
  description:
    "`images prune` removes what no live, warm or recent release needs; it happens by itself once a day. Images that Roadstead did not make or pull are never touched.",
  arguments: [{ name: "[prune]", description: "remove what is removable" }],
  options: [
    { flags: "--keep <count>", description: "releases of each stack whose images stay (default: 5)" },
    { flags: "--reason <text>", description: "for the audit trail" },
  ],
  examples: [
    { command: "roadstead images", meaning: "live, warm, among the last five, removable" },
    { command: "roadstead images prune --keep 3", meaning: "make room" },
  ],
  json: "document",
  exits: [1],
  run: images,
};

async function images(invocation: Invocation): Promise<ExitCode> {
  const { options, context, words } = invocation;
  const [verb] = words;
  if (verb !== undefined && verb !== "prune")
    throw usageError(`images has no ${verb}`, "Write `roadstead images prune`");
  const keep = Number(options.text("keep") ?? 5);
  if (!Number.isInteger(keep) || keep < 0 || keep > 1000)
    throw usageError("--keep takes a number from 0 to 1000");
  const client = await connect(invocation);
  const { signal } = context;
  const found =
    verb === undefined
      ? await client.updates.images({ query: { keep }, signal })
      : await client.updates.pruneImages({ body: { keep, reason: options.text("reason") ?? "" }, signal });
  const { renderImages } = await import("../render/images.ts");
  answer(invocation, found, (style) => renderImages(found.images, verb === "prune", style));
  return 0;
}
