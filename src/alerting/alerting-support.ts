/** Alerting on memory drivers with a clock turned by hand; what is measured is set by the test. */

import { countingIds } from "../lib/ids.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import { MemoryNotifier } from "../notify/drivers/memory.ts";
import type { Wish } from "../policy/alert-routing.ts";
import type { DeploymentId, Scope } from "../rollout/ids.ts";
import { createMemoryStore } from "../store/drivers/memory.ts";
import type { Deployment, Store } from "../store/port.ts";
import type { Labels, RangeQuery, Series } from "../telemetry/port.ts";
import { type AlertWorks, makeAlerting } from "./make-alerting.ts";
import type { ScopeAlertSettings } from "./parts.ts";

export const scope: Scope = { stack: "shop", environment: "production" };
const labelsOf = (service: string): Labels => ({ scope: "shop/production", service });

export class AlertWorld {
  readonly clock = new ManualClock(Date.UTC(2026, 6, 6, 12));
  readonly store: Store = createMemoryStore();
  readonly notifier = new MemoryNotifier();
  readonly ids = countingIds();
  readonly logged: string[] = [];
  settings: ScopeAlertSettings = { rules: {}, own: {}, maintenance: [] };
  asked = 0;
  readonly #values = new Map<string, { labels: Labels; value: number }[]>();
  works: AlertWorks = this.#make();

  constructor() {
    this.store.scopes.update(scope, (state) => state);
  }

  channel(name = "ops", wish: Wish = { severity: "info" }): void {
    this.works.channels.save({ name, kind: "memory", wish }, this.clock.now());
  }

  gauge(metric: string, service: string, value: number): void {
    const labels = labelsOf(service);
    const others = (this.#values.get(metric) ?? []).filter((one) => one.labels["service"] !== service);
    this.#values.set(metric, [...others, { labels, value }]);
  }

  memory(service: string, share: number): void {
    this.gauge("replica.memory", service, share * 100);
    this.gauge("replica.memory_limit", service, 100);
  }

  ready(service: string, ready: number, wanted: number): void {
    this.gauge("service.ready", service, ready);
    this.gauge("service.wanted", service, wanted);
  }

  deployment(id: string, state: Deployment["state"], changes: Partial<Deployment> = {}): void {
    const { deployments } = this.store;
    const known = id as DeploymentId;
    const at = this.clock.now();
    if (!deployments.get(known))
      deployments.create({
        id: known,
        scope,
        kind: "deploy",
        state: "running",
        requestedBy: "ada",
        reason: "",
        createdAt: at,
        startedAt: at,
        ...changes,
      });
    deployments.update(known, { ...changes, state });
    deployments.append({ deployment: known, at, event: "stateChanged", state, message: "" });
  }

  /** Lets time pass with everything as it is. */
  async minutes(count: number): Promise<void> {
    const end = this.clock.now() + count * 60_000;
    while (this.clock.now() < end) {
      await settle();
      this.clock.advance(5000);
    }
    await settle();
  }

  /** `firing api High Memory Usage (85% > 80%)`, in the order in which they arrived, by channel. */
  told(channel = "ops"): string[] {
    return this.messages(channel).flatMap(({ items }) =>
      items.map(({ state, subject, text }) => `${state} ${subject} ${text}`),
    );
  }

  messages(channel = "ops") {
    return this.notifier.sent.filter(({ name }) => name === channel).map(({ message }) => message);
  }

  /** As after kill -9, or an orderly restart: the store is all that is left. */
  async restart(): Promise<void> {
    await this.works.stop();
    this.works = this.#make();
    this.works.start();
  }

  #make(): AlertWorks {
    return makeAlerting({
      store: this.store,
      telemetry: { range: (query) => this.#range(query) },
      notifiers: { memory: this.notifier },
      clock: this.clock,
      ids: this.ids,
      settingsOf: () => this.settings,
      mask: (_scope, text) => text.replaceAll("hunter2", "***"),
      log: (_level, message) => void this.logged.push(message),
    });
  }

  #range({ metric, step = 60_000 }: RangeQuery): Series[] {
    this.asked += 1;
    const at = Math.floor(this.clock.now() / step) * step;
    return (this.#values.get(metric) ?? []).map(({ labels, value }) => ({
      metric,
      labels,
      step,
      kind: "gauge",
      points: [{ at, min: value, avg: value, max: value }],
    }));
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 6; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
