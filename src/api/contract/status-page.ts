import { z } from "zod";
import { endpoint, list, name } from "./endpoint.ts";

/** The public status page: what strangers see, and who decides about it. */

const state = z.enum(["up", "warn", "down", "unknown"]);
const scopeName = z
  .string()
  .refine(
    (text) => text.split("/").length === 2 && text.split("/").every((part) => name.safeParse(part).success),
    {
      message: "must be STACK/ENVIRONMENT",
    },
  );

export const statusSettingsSchema = z
  .object({
    enabled: z.boolean(),
    title: z.string().trim().min(1).max(100),
    /** `shop/production`. */
    scopes: z.array(scopeName).max(100),
  })
  .meta({ id: "StatusPageSettings" });
export type StatusSettings = z.output<typeof statusSettingsSchema>;

export const publicStatusSchema = z
  .object({
    title: z.string(),
    at: z.number(),
    state,
    stacks: list(
      z.object({
        name: z.string(),
        /** 0 to 1 over the last 24 hours, where it is measured. */
        availability: z.number().exactOptional(),
        components: list(z.object({ name: z.string(), state })),
        /** The last 90 days, oldest first: share of the day that it worked; a day without measurement is absent. */
        days: list(z.object({ at: z.number(), share: z.number() })),
      }),
    ),
    /** Of the last 14 days, newest first. */
    incidents: list(
      z.object({
        stack: z.string().exactOptional(),
        kind: z.enum(["service", "database", "server"]),
        startedAt: z.number(),
        resolvedAt: z.number().exactOptional(),
      }),
    ),
  })
  .meta({ id: "PublicStatus" });
export type PublicStatus = z.output<typeof publicStatusSchema>;

export const statusPageEndpoints = {
  public: endpoint({
    method: "GET",
    path: "/public/status",
    summary: "Whether the stacks on the status page work. Not found unless somebody turned the page on.",
    anonymous: true,
    response: publicStatusSchema,
  }),
  settings: endpoint({
    method: "GET",
    path: "/status-page",
    summary: "Whether there is a public status page, and what is on it.",
    needs: "administer",
    response: statusSettingsSchema,
  }),
  save: endpoint({
    method: "POST",
    path: "/status-page",
    summary: "Turns the public status page on or off, and chooses what is on it.",
    needs: "administer",
    body: statusSettingsSchema,
    response: statusSettingsSchema,
  }),
};
