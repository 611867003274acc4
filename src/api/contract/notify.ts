import { z } from "zod";
import { endpoint, list, name } from "./endpoint.ts";

const severity = z.enum(["info", "warning", "critical"]);
const kinds = ["deployment", "update", "backup", "approval", "incident", "alert", "access"] as const;

const wish = z.object({
  severity: severity.default("warning"),
  stacks: list(name).exactOptional(),
  environments: list(name).exactOptional(),
  kinds: list(z.enum(kinds)).exactOptional(),
});

/** One line: a line break in it would begin another header. */
const mailText = z
  .string()
  .min(3)
  .max(320)
  .regex(/^[^\r\n]+$/);
const mail = z.object({
  host: z.string().min(1).max(255),
  port: z.number().int().min(1).max(65_535),
  security: z.enum(["starttls", "tls", "none"]).default("starttls"),
  from: mailText,
  to: z.array(mailText).min(1).max(20),
  user: z.string().max(320).exactOptional(),
});

const channelView = z
  .object({
    name: z.string(),
    kind: z.enum(["webhook", "discord", "slack", "email", "memory"]),
    wish: z.object({
      severity,
      stacks: list(z.string()).exactOptional(),
      environments: list(z.string()).exactOptional(),
      kinds: list(z.enum(kinds)).exactOptional(),
    }),
    /** Where to, without any credential. */
    shown: z.string(),
    createdAt: z.number(),
    lastSentAt: z.number().exactOptional(),
    lastError: z.object({ at: z.number(), message: z.string() }).exactOptional(),
  })
  .meta({ id: "Channel" });
export type ChannelView = z.output<typeof channelView>;

const weekly = z.object({
  days: list(z.number().int().min(0).max(6)),
  from: z.number().int().min(0).max(1440),
  to: z.number().int().min(0).max(1440),
});
const contact = z.object({
  name: z.string().min(1).max(100),
  role: z.string().min(1).max(100),
  channel: name,
  timeZone: z.string().max(60).exactOptional(),
  hours: list(weekly).exactOptional(),
});
const roles = list(z.string().min(1).max(100));
const table = z.object({
  roles: z.object({ service: roles, database: roles, server: roles, security: roles }),
  fallback: roles,
  severity,
  afterSeconds: z.number().min(0).max(86_400),
  repeatSeconds: z.number().min(60).max(86_400),
  limit: z.number().int().min(1).max(100),
});
const onCall = z
  .object({
    contacts: list(contact),
    table,
    /** Hours of a week, from Monday 00:00 UTC, in which nobody of a role is on call. */
    gaps: list(z.object({ role: z.string(), covered: z.number(), uncovered: z.number() })),
  })
  .meta({ id: "OnCall" });
export type OnCallView = z.output<typeof onCall>;

const channelName = z.object({ name });

export const notifyEndpoints = {
  channels: endpoint({
    method: "GET",
    path: "/notify/channels",
    needs: "read",
    summary: "Where people are told, and what became of the last message. Never a credential.",
    response: z.object({ channels: list(channelView) }),
  }),
  save: endpoint({
    method: "POST",
    path: "/notify/channels",
    needs: "operate",
    summary:
      "Adds a channel, or replaces the one of that name. `secret` signs a webhook's requests and is shown this once.",
    body: z.object({
      name,
      kind: z.enum(["webhook", "discord", "slack", "email"]),
      wish: wish.default({ severity: "warning" }),
      url: z.string().max(2000).exactOptional(),
      mail: mail.exactOptional(),
      password: z.string().max(1000).exactOptional(),
    }),
    status: 201,
    response: z.object({ channel: channelView, secret: z.string().exactOptional() }),
  }),
  remove: endpoint({
    method: "DELETE",
    path: "/notify/channels/:name",
    needs: "operate",
    summary: "Removes a channel and what still waits for it.",
    params: channelName,
    response: channelView,
  }),
  test: endpoint({
    method: "POST",
    path: "/notify/channels/:name/test",
    needs: "operate",
    summary: "Sends a message now and answers when it was taken, or with what is wrong.",
    params: channelName,
    response: channelView,
  }),
  onCall: endpoint({
    method: "GET",
    path: "/notify/on-call",
    needs: "read",
    summary: "Who is called for which kind of incident, when, and where nobody is.",
    response: onCall,
  }),
  saveOnCall: endpoint({
    method: "POST",
    path: "/notify/on-call",
    needs: "operate",
    summary: "Replaces contacts and escalation table.",
    body: z.object({ contacts: z.array(contact).max(100), table: table.exactOptional() }),
    response: onCall,
  }),
};
