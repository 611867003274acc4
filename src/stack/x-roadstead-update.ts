import { z } from "zod";
import type { UpdateChannel } from "./stack.ts";
import { duration, field } from "./x-roadstead-values.ts";

/** `x-roadstead.update`, with the texts that docs/x-roadstead.md is generated from. */

const tagForm = /^tag:(\w[\w.-]{0,127})$/;

function channel() {
  return z.string().transform((text, context): UpdateChannel => {
    if (text === "pinned" || text === "patch" || text === "minor") return { kind: text };
    const tag = tagForm.exec(text)?.[1];
    if (tag !== undefined) return { kind: "tag", tag };
    context.addIssue(`${JSON.stringify(text)} is no channel; expected pinned, patch, minor or tag:<name>`);
    return z.NEVER;
  });
}

export const updateSchema = z.strictObject(
  {
    channel: field(channel(), {
      type: "pinned, patch, minor or tag:<name>",
      default: "patch for a tag like 1.4.2, else the image's own tag",
      description:
        "Which images count as newer: none; higher patch versions; higher minor and patch versions; whatever that tag points at.",
      example: "tag:production",
    }),
    every: field(
      duration().refine((seconds) => seconds >= 1 && seconds <= 7 * 86_400, { error: "expected 1s to 7d" }),
      {
        type: "duration",
        default: "5m",
        description: "How often the registry is asked, a little earlier by a part that differs per service.",
      },
    ),
    allow: field(
      z.array(z.string().min(1), { error: "expected a list of repositories" }).min(1, {
        error: "expected at least one repository; for no updates write `channel: pinned`",
      }),
      {
        type: "list of repositories",
        default: "the image's own",
        description: "Updates come from these only. `*` at the end stands for any rest.",
        example: "[ghcr.io/acme/*]",
      },
    ),
  },
  { error: "expected a mapping with channel, every, allow" },
);
