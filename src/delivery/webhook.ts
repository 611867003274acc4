import type { ForgeKind, HookRequest } from "../forge/port.ts";
import { PlatformError } from "../lib/platform-error.ts";
import type { Preview } from "./preview.ts";
import type { Run } from "./run.ts";

export type WebhookName = {
  source: string;
  kind: ForgeKind;
  /** `all`, or which component it is for. */
  name: string;
};

/** An address that a forge calls, with a secret of its own. */
export type Webhook = WebhookName & {
  createdAt: number;
  /** Only these are deployed, the others go on as they are; empty: the whole stack. */
  services: readonly string[];
  /** A token may stand in the address, where logs see it. */
  urlToken: boolean;
};

export type HookCall = WebhookName & {
  request: HookRequest;
  /** Where it came from, for the audit trail. */
  address: string;
};

export type HookOutcome =
  | { kind: "accepted"; run: Run }
  /** A preview goes away. */
  | { kind: "closing"; preview: Preview }
  /** Auto-update looks for new images of these services, as `stack/environment/service`. */
  | { kind: "updating"; services: readonly string[] }
  /** Rightly signed, and nothing that anything here follows. */
  | { kind: "ignored"; reason: string };

const hints = {
  WEBHOOK_UNKNOWN: "Make one with `roadstead source NAME --webhook KIND`; without a secret nothing is taken.",
  WEBHOOK_REPLAYED: "It was taken already. To deploy again: `roadstead pipeline start NAME REF`.",
  WEBHOOK_REFUSED: "`roadstead source NAME` shows what is allowed.",
  WEBHOOK_NO_URL: "Name the repository with `roadstead source NAME --url URL`.",
} as const;

export function webhookError(
  code: keyof typeof hints,
  message: string,
  options: { hint?: string } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
