import type { OnCall } from "../../alerting/alert-book.ts";
import type { Channel } from "../../alerting/channel-book.ts";
import { alertingError } from "../../alerting/errors.ts";
import { type Contact, coveredHours, uncoveredHours } from "../../policy/alert-oncall.ts";
import { audited } from "../audited.ts";
import { type ChannelView, notifyEndpoints } from "../contract/notify.ts";
import type { Router } from "../route.ts";

const hoursOfWeek = 168;
const hourMs = 3600_000;

export function notifyRoutes(router: Router): void {
  const { parts } = router;
  const { channels, alerting, test, removeChannel } = parts.alerts;

  router.answer(notifyEndpoints.channels, () => ({ channels: channels.list().map(view) }));

  router.answer(notifyEndpoints.save, ({ body, actor }) =>
    audited(parts, { by: actor(), action: "notify.save", target: body.name }, (detail) => {
      const { channel, secret } = channels.save(body, parts.clock.now());
      detail({ kind: channel.kind, to: channel.shown, wish: channel.wish });
      return { channel: view(channel), ...(secret === undefined ? {} : { secret }) };
    }),
  );

  router.answer(notifyEndpoints.remove, ({ params, actor }) =>
    audited(parts, { by: actor(), action: "notify.remove", target: params.name }, () =>
      view(removeChannel(params.name)),
    ),
  );

  router.answer(notifyEndpoints.test, async ({ params }) => view(await test(params.name, router.closing)));

  router.answer(notifyEndpoints.onCall, () => viewOnCall(alerting.book.onCall()));

  router.answer(notifyEndpoints.saveOnCall, ({ body, actor }) =>
    audited(parts, { by: actor(), action: "notify.on-call", target: "on-call" }, (detail) => {
      for (const contact of body.contacts) check(contact, channels.get(contact.channel) !== undefined);
      const { table } = alerting.book.onCall();
      const saved = { contacts: body.contacts, table: body.table ?? table };
      alerting.book.putOnCall(saved);
      detail({ contacts: body.contacts.map(({ name, role }) => `${name} (${role})`) });
      return viewOnCall(saved);
    }),
  );
}

function check({ name, channel, timeZone }: Contact, hasChannel: boolean): void {
  if (!hasChannel) throw alertingError("ALERT_ONCALL_INVALID", `${name}: there is no channel ${channel}`);
  if (timeZone === undefined) return;
  try {
    new Intl.DateTimeFormat("en-US", { timeZone });
  } catch {
    throw alertingError("ALERT_ONCALL_INVALID", `${name}: ${timeZone} is no time zone; one is Europe/Berlin`);
  }
}

function viewOnCall({ contacts, table }: OnCall) {
  const named = [...new Set([...Object.values(table.roles).flat(), ...contacts.map(({ role }) => role)])];
  const gaps = named.map((role) => {
    const mine = contacts.filter((contact) => contact.role === role);
    const uncovered = uncoveredHours(mine).reduce((sum, { from, to }) => sum + (to - from) / hourMs, 0);
    const only = mine.length === 1 ? mine[0] : undefined;
    return { role, covered: only ? coveredHours(only) : hoursOfWeek - uncovered, uncovered };
  });
  return { contacts, table, gaps };
}

function view({ name, kind, wish, shown, createdAt, lastSentAt, lastError }: Channel): ChannelView {
  return {
    name,
    kind,
    wish,
    shown,
    createdAt,
    ...(lastSentAt === undefined ? {} : { lastSentAt }),
    ...(lastError === undefined ? {} : { lastError }),
  };
}
