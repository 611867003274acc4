import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { News } from "../notify/news.ts";
import type { MessageItem } from "../notify/port.ts";
import type { Call } from "../policy/alert-escalation.ts";
import { wants } from "../policy/alert-routing.ts";
import { type AlertSeverity, subjectName } from "../policy/alert-rule.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { Alert } from "./alert-book.ts";
import type { ChannelBook } from "./channel-book.ts";
import type { Outbox } from "./outbox.ts";

type Told = Alert & { severity: AlertSeverity };

export type TellerParts = {
  channels: ChannelBook;
  outbox: Outbox;
  clock: Clock;
  ids: Ids;
  mask: (scope: Scope, text: string) => string;
};

/** A call for people that other parts of the platform ask for. */
export type Page = {
  /** Told once per round. */
  id: string;
  subject: string;
  text: string;
  scope?: Scope;
  /** The command line that ends the calls. */
  until: string;
};

/** Turns alerts and news into messages for the channels that want them. Every text is masked here, once. */
export class Teller {
  readonly #parts: TellerParts;

  constructor(parts: TellerParts) {
    this.#parts = parts;
  }

  /** News of any other part of the platform. */
  notify(news: News): void {
    const { ids } = this.#parts;
    const { kind, severity, scope, title, text, link, at } = news;
    const item: MessageItem = {
      id: `news.${news.key ?? ids.next("news")}`,
      state: "news",
      severity,
      subject: title,
      text,
      at,
      ...(scope ? { scope: scopeKey(scope) } : {}),
      ...(link === undefined ? {} : { link }),
    };
    this.#toAll(item, { kind, severity, ...(scope ? { scope } : {}) });
  }

  fired(alert: Told, now: number): void {
    const repeat = alert.repeats === 0 ? "" : `.${alert.repeats}`;
    this.#alert(alert, { id: `${alert.id}.fired.${alert.severity}${repeat}`, state: "firing", at: now });
  }

  resolved(alert: Told, now: number): void {
    this.#alert(alert, { id: `${alert.id}.resolved`, state: "resolved", at: now });
  }

  /** Calls people by name, whatever their channel wants to hear otherwise. */
  call(alert: Told, { contacts, gaps, round }: Call, now: number): void {
    const names = contacts.map(({ name, role }) => `${name} (${role})`).join(", ");
    const missing = gaps.length === 0 ? "" : ` Nobody covers ${gaps.join(", ")} now.`;
    const again = round === 1 ? "" : `, call ${round}`;
    for (const channel of new Set(contacts.map((contact) => contact.channel)))
      this.#parts.outbox.put(
        channel,
        this.#masked({
          ...itemOf(alert),
          id: `${alert.id}.call.${round}`,
          state: "firing",
          at: now,
          detail: `Called${again}: ${names}.${missing} It is repeated until: roadstead alerts ack ${alert.id}`,
        }),
      );
  }

  /** Calls people about something that is no alert; the same id is told once. */
  page(page: Page, { contacts, gaps, round }: Call, now: number): void {
    const { id, subject, text, scope, until } = page;
    const names = contacts.map(({ name, role }) => `${name} (${role})`).join(", ");
    const missing = gaps.length === 0 ? "" : ` Nobody covers ${gaps.join(", ")} now.`;
    const item: MessageItem = {
      id: `${id}.call.${round}`,
      state: "firing",
      severity: "critical",
      subject,
      text,
      detail: `Called${round === 1 ? "" : `, call ${round}`}: ${names}.${missing} It is repeated until: ${until}`,
      at: now,
      ...(scope ? { scope: scopeKey(scope) } : {}),
    };
    for (const channel of new Set(contacts.map((contact) => contact.channel)))
      this.#parts.outbox.put(channel, this.#masked(item));
  }

  #alert(alert: Told, changes: Pick<MessageItem, "id" | "state" | "at">): void {
    const scope = scopeOf(alert.subject.scope);
    this.#toAll(
      { ...itemOf(alert), ...changes },
      { kind: "alert", severity: alert.severity, ...(scope ? { scope } : {}) },
    );
  }

  #toAll(item: MessageItem, news: Parameters<typeof wants>[1]): void {
    const masked = this.#masked(item);
    for (const { name, wish } of this.#parts.channels.list())
      if (wants(wish, news)) this.#parts.outbox.put(name, masked);
  }

  #masked(item: MessageItem): MessageItem {
    const scope = scopeOf(item.scope);
    if (!scope) return item;
    const { mask } = this.#parts;
    return {
      ...item,
      text: mask(scope, item.text),
      ...(item.detail === undefined ? {} : { detail: mask(scope, item.detail) }),
    };
  }
}

function itemOf(alert: Told): Omit<MessageItem, "id" | "state" | "at"> {
  const { subject, severity, message, detail, hint } = alert;
  return {
    severity,
    subject: subjectName(subject),
    text: message,
    hint,
    ...(subject.scope === undefined ? {} : { scope: subject.scope }),
    ...(detail === undefined ? {} : { detail }),
  };
}

/** The scope that a key such as `shop/production` names. */
export function scopeOf(key: string | undefined): Scope | undefined {
  const [stack, environment] = key?.split("/") ?? [];
  return stack === undefined || environment === undefined ? undefined : { stack, environment };
}
