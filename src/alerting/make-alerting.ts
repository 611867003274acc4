import type { Run } from "../delivery/run.ts";
import type { Notify } from "../notify/news.ts";
import type { Call } from "../policy/alert-escalation.ts";
import type { UpdateEvent } from "../scheduler/parts.ts";
import type { JournalEntry } from "../store/port.ts";
import { Alerting } from "./alerting.ts";
import { type Channel, ChannelBook } from "./channel-book.ts";
import { alertingError } from "./errors.ts";
import { newsOfDeployment, newsOfRun, newsOfUpdate } from "./news-of.ts";
import { messageFor, Outbox } from "./outbox.ts";
import type { AlertingParts } from "./parts.ts";
import { type Page, Teller } from "./teller.ts";

const testLimitMs = 30_000;

/** What the surfaces may ask about alerts and channels, and what the other parts tell. */
export type AlertWorks = {
  alerting: Alerting;
  channels: ChannelBook;
  notify: Notify;
  /** Calls these people by their channels, whatever those want to hear otherwise. */
  page: (page: Page, call: Call) => void;
  /** Sends a message to one channel now and throws what is wrong. */
  test: (name: string, signal: AbortSignal) => Promise<Channel>;
  removeChannel: (name: string) => Channel;
  onRun: (run: Run) => void;
  onUpdate: (event: UpdateEvent) => void;
  start: () => void;
  stop: () => Promise<void>;
};

export function makeAlerting(parts: AlertingParts): AlertWorks {
  const { store, clock, ids, notifiers, log, mask } = parts;
  const channels = new ChannelBook(store);
  const outbox = new Outbox({ store, channels, notifiers, clock, log });
  const teller = new Teller({ channels, outbox, clock, ids, mask });
  const alerting = new Alerting(parts, teller);
  const notify: Notify = (news) => teller.notify(news);
  const deaf = store.deployments.onAppend((entry) => tellDeployment(entry));

  function tellDeployment(entry: JournalEntry): void {
    if (entry.event !== "stateChanged" || entry.state !== "succeeded") return;
    const deployment = store.deployments.get(entry.deployment);
    const release = deployment?.release && store.releases.get(deployment.release);
    const name = release
      ? `v${release.number}${release.label === "" ? "" : ` (${release.label})`}`
      : undefined;
    const news = deployment && newsOfDeployment(deployment, name, clock.now());
    if (news) notify(news);
  }

  return {
    alerting,
    channels,
    notify,
    page: (page, call) => teller.page(page, call, clock.now()),
    async test(name, signal) {
      const channel = known(channels, name);
      const target = channels.target(name);
      const notifier = target && notifiers[target.kind];
      if (!notifier) throw alertingError("NOTIFY_CHANNEL_INVALID", `${name} can't be used`);
      const now = clock.now();
      const text = `This is a test of the channel ${name}. Alerts will look like this.`;
      const id = ids.next("test");
      const item = { id, state: "test", severity: "info", subject: "Roadstead", text, at: now } as const;
      await notifier.send(
        target,
        messageFor([item]),
        AbortSignal.any([signal, AbortSignal.timeout(testLimitMs)]),
      );
      channels.mark(name, { lastSentAt: clock.now() });
      return channels.get(name) ?? channel;
    },
    removeChannel(name) {
      const channel = known(channels, name);
      store.transaction(() => {
        outbox.forget(name);
        channels.remove(name);
      });
      return channel;
    },
    onRun: (run) => {
      const news = newsOfRun(run, clock.now());
      if (news) notify(news);
    },
    onUpdate: (event) => notify(newsOfUpdate(event, clock.now())),
    start() {
      outbox.start();
      alerting.start();
    },
    async stop() {
      deaf();
      await Promise.all([alerting.stop(), outbox.stop()]);
    },
  };
}

function known(channels: ChannelBook, name: string): Channel {
  const channel = channels.get(name);
  if (!channel) throw alertingError("NOTIFY_CHANNEL_UNKNOWN", `there is no channel ${name}`);
  return channel;
}
