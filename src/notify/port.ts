import type { AlertSeverity } from "../policy/alert-rule.ts";

/**
 * Brings one message to one place where people look. Errors: `NOTIFY_UNAVAILABLE` (try again later) and
 * `NOTIFY_REFUSED` (never again as it is). No error and no log names a credential, or more of an address than its host.
 */
export interface Notifier {
  readonly kind: ChannelKind;
  /**
   * Returns when the receiver has taken it. Ends with the signal, and by itself after a time limit. May be asked twice
   * for the same message after a crash: its id lets the receiver tell.
   */
  send(target: ChannelTarget, message: Message, signal: AbortSignal): Promise<void>;
}

export const channelKinds = ["webhook", "discord", "slack", "email", "memory"] as const;
export type ChannelKind = (typeof channelKinds)[number];

/** Where to, with what is needed to get in. Put together for one call and kept nowhere. */
export type ChannelTarget =
  /** `secret` signs each request. */
  | { kind: "webhook"; url: string; secret: string }
  /** The address itself is the credential. */
  | { kind: "discord" | "slack"; url: string }
  | ({ kind: "email"; password?: string } & MailSettings)
  | { kind: "memory"; name: string };

export type MailSettings = {
  host: string;
  port: number;
  /** `starttls`: no mail without it; `none`: only for a server on this machine. */
  security: "starttls" | "tls" | "none";
  from: string;
  to: readonly string[];
  user?: string;
};

/** What people read. Plain text throughout: each driver writes it in the form of its receiver. */
export type Message = {
  /** The same for the same alert in the same state: a receiver that has seen it may drop it. */
  id: string;
  state: "firing" | "resolved" | "news" | "test";
  severity: AlertSeverity;
  /** `shop/production: 2 alerts`. */
  title: string;
  items: readonly MessageItem[];
  at: number;
};

export type MessageItem = {
  id: string;
  state: Message["state"];
  severity: AlertSeverity;
  scope?: string;
  subject: string;
  text: string;
  detail?: string;
  hint?: string;
  link?: string;
  at: number;
};

/** One driver for each kind; `bin` builds them. */
export type Notifiers = Readonly<Partial<Record<ChannelKind, Notifier>>>;
