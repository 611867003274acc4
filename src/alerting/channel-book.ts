import { randomBytes } from "node:crypto";
import type { ChannelKind, ChannelTarget, MailSettings } from "../notify/port.ts";
import type { Wish } from "../policy/alert-routing.ts";
import type { Store } from "../store/port.ts";
import { alertingError } from "./errors.ts";

/** A channel as it is kept and shown: without its credential. */
export type Channel = {
  name: string;
  kind: ChannelKind;
  wish: Wish;
  /** Where to, as far as it may be shown: the host of an address, the recipients of mail. */
  shown: string;
  mail?: MailSettings;
  createdAt: number;
  /** Changes with every new credential. */
  secretVersion: string;
  lastSentAt?: number;
  lastError?: { at: number; message: string };
};

/** What makes a channel. `secret`: the address of a hook, or the password of a mail account. */
export type NewChannel = {
  name: string;
  kind: ChannelKind;
  wish: Wish;
  url?: string;
  mail?: MailSettings;
  password?: string;
};

const collection = "notify-channels";
const maxChannels = 50;
/** Where the secrets of channels are kept: no stack has this environment. */
const scope = { stack: "notify", environment: "@channel" };

type Credential = { url?: string; secret?: string; password?: string };

/** The channels and their credentials, which are encrypted at rest and come out only for one delivery. */
export class ChannelBook {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Answers the secret that a webhook's receiver checks signatures with: it is shown this once. */
  save(wish: NewChannel, now: number): { channel: Channel; secret?: string } {
    checkAddress(wish);
    const secret = wish.kind === "webhook" ? randomBytes(32).toString("base64url") : undefined;
    const credential: Credential = {
      ...(wish.url === undefined ? {} : { url: wish.url }),
      ...(wish.password === undefined ? {} : { password: wish.password }),
      ...(secret === undefined ? {} : { secret }),
    };
    return this.#store.transaction(() => {
      if (!this.get(wish.name) && this.list().length >= maxChannels)
        throw alertingError("NOTIFY_CHANNEL_LIMIT", `there are ${maxChannels} channels already`);
      const bytes = Buffer.from(JSON.stringify(credential), "utf8");
      const channel: Channel = {
        name: wish.name,
        kind: wish.kind,
        wish: wish.wish,
        shown: shownOf(wish),
        ...(wish.mail ? { mail: wish.mail } : {}),
        createdAt: now,
        secretVersion: this.#store.secrets.put(scope, wish.name, bytes),
      };
      this.#store.records.put(collection, wish.name, channel);
      return { channel, ...(secret === undefined ? {} : { secret }) };
    });
  }

  get(name: string): Channel | undefined {
    return this.#store.records.get<Channel>(collection, name);
  }

  list(): Channel[] {
    return this.#store.records
      .list<Channel>(collection, { limit: maxChannels * 2 })
      .map(({ value }) => value);
  }

  remove(name: string): void {
    this.#store.records.remove(collection, name);
  }

  /** What became of the last message. */
  mark(name: string, outcome: Pick<Channel, "lastSentAt" | "lastError">): void {
    const channel = this.get(name);
    if (!channel) return;
    const { lastError: _before, ...rest } = channel;
    this.#store.records.put(collection, name, { ...rest, ...outcome });
  }

  /** With its credential, for one delivery. */
  target(name: string): ChannelTarget | undefined {
    const channel = this.get(name);
    const content = channel && this.#store.secrets.get(scope, name, channel.secretVersion);
    if (!channel || !content) return undefined;
    const {
      url = "",
      secret = "",
      password,
    } = JSON.parse(Buffer.from(content).toString("utf8")) as Credential;
    switch (channel.kind) {
      case "webhook":
        return { kind: "webhook", url, secret };
      case "discord":
      case "slack":
        return { kind: channel.kind, url };
      case "email":
        return (
          channel.mail && { kind: "email", ...channel.mail, ...(password === undefined ? {} : { password }) }
        );
      case "memory":
        return { kind: "memory", name };
    }
  }
}

function checkAddress({ kind, url, mail }: NewChannel): void {
  if (kind === "memory") return;
  if (kind === "email") {
    if (!mail)
      throw alertingError("NOTIFY_CHANNEL_INVALID", "a mail channel needs server, sender and recipients");
    return;
  }
  const parsed = url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw alertingError("NOTIFY_CHANNEL_INVALID", "the address is no http or https address");
}

/** The path of a hook is its password. */
function shownOf({ kind, url, mail, name }: NewChannel): string {
  if (kind === "email") return `${mail?.to.join(", ")} by ${mail?.host}:${mail?.port}`;
  return url === undefined ? name : new URL(url).origin;
}
