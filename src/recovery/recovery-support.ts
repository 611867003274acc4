/** A control plane on memory drivers with its recovery: the tests of incidents and drills run on it. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Alert, OnCall } from "../alerting/alert-book.ts";
import type { Page } from "../alerting/teller.ts";
import { countingIds } from "../lib/ids.ts";
import type { News } from "../notify/news.ts";
import { type Call, defaultEscalation } from "../policy/alert-escalation.ts";
import type { HealthChange } from "../reconciler/health-news.ts";
import { scope, World } from "../reconciler/world-support.ts";
import type { Stack } from "../stack/stack.ts";
import { Drills } from "./drills.ts";
import { Incidents } from "./incidents.ts";
import type { RecoveryParts, Restores } from "./parts.ts";
import { Recovery } from "./recovery.ts";

export class RecoveryWorld extends World {
  readonly news: News[] = [];
  readonly pages: { page: Page; call: Call }[] = [];
  alerts: Alert[] = [];
  readonly acknowledged: string[] = [];
  onCall: OnCall = {
    contacts: [{ name: "Ada", role: "DevOps lead", channel: "ops" }],
    table: defaultEscalation,
  };
  restores: Restores | undefined;
  /** Replaced to end the control plane at a step of a recovery. */
  onStep: NonNullable<RecoveryParts["onStep"]> = () => undefined;
  readonly evidenceFolder = mkdtempSync(join(tmpdir(), "rs-evidence-"));
  readonly #ids = countingIds();
  recovery: Recovery = this.#newRecovery();
  incidentDesk = new Incidents(this.recoveryParts(), this.recovery);
  drills = new Drills(this.recoveryParts(), this.recovery, this.incidentDesk);

  override parts() {
    const parts = super.parts();
    return {
      ...parts,
      onHealth: (change: HealthChange) => this.recovery?.onHealth(change),
      resolve: (...args: Parameters<typeof parts.resolve>) => {
        const { stack, problems } = parts.resolve(...args);
        const [, environment] = args;
        if (!stack || environment === scope.environment) return { ...(stack ? { stack } : {}), problems };
        // As the real resolver does for environments that come and go: host names of their own.
        const services = stack.services.map((service) => ({
          ...service,
          routes: service.routes.map((route) => ({ ...route, host: `${environment}.${route.host}` })),
        }));
        return { stack: { ...stack, services }, problems };
      },
    };
  }

  recoveryParts(): RecoveryParts {
    const { store, clock, engine, runtime } = this;
    return {
      store,
      clock,
      engine,
      runtime,
      ids: this.#ids,
      request: async (check, host) => ({ status: (await this.edge.ask(host, check.path)).status, body: "" }),
      stackOf: (of) => {
        const current = this.store.scopes.get(of)?.current;
        const text = current && this.store.releases.get(current)?.bundle.texts["/project/stack.json"];
        if (text === undefined) return undefined;
        const stack = JSON.parse(text) as Stack;
        return of.environment === scope.environment ? stack : withoutRoutes(stack);
      },
      mask: (_scope, text) => text.replaceAll("hunter2", "***"),
      people: {
        notify: (news) => void this.news.push(news),
        page: (page, call) => void this.pages.push({ page, call }),
        onCall: () => this.onCall,
        active: () => this.alerts,
        acknowledge: (alert, reason) => void this.acknowledged.push(`${alert}: ${reason}`),
      },
      holder: "here",
      evidenceFolder: this.evidenceFolder,
      log: (_level, message) => void this.logged.push(message),
      onStep: (incident, node) => this.onStep(incident, node),
      ...(this.restores ? { restores: this.restores } : {}),
    };
  }

  #newRecovery(): Recovery {
    return new Recovery(this.recoveryParts());
  }

  /** A new control plane over what the old one has left. */
  override async restart(): Promise<void> {
    this.recovery = this.#newRecovery();
    await super.restart();
    this.recovery = this.#newRecovery();
    this.incidentDesk = new Incidents(this.recoveryParts(), this.recovery);
    this.drills = new Drills(this.recoveryParts(), this.recovery, this.incidentDesk);
    this.recovery.start();
    this.drills.start();
  }

  incidents() {
    return this.recovery.book.list();
  }

  async kill(service: string, exitCode = 137, oomKilled = false): Promise<void> {
    const replicas = await this.runtime.observe(scope, AbortSignal.timeout(1000));
    for (const replica of replicas)
      if (replica.service === service && replica.state === "running")
        this.runtime.kill(replica.id, exitCode, oomKilled);
  }
}

/** Their hosts have other names there; whoever asks finds none to ask. */
function withoutRoutes(stack: Stack): Stack {
  return { ...stack, services: stack.services.map((service) => ({ ...service, routes: [] })) };
}
