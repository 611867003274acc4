import { join } from "node:path";
import { NetworkProber } from "../src/probes/drivers/network.ts";
import type { Engine } from "../src/reconciler/engine.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import { openSqliteTelemetry } from "../src/telemetry/drivers/sqlite.ts";
import type { Telemetry } from "../src/telemetry/port.ts";
import { makeWatch } from "../src/watch/make-watch.ts";
import type { OpenMetrics } from "../src/watch/open-metrics.ts";
import { dependencyProbes, routeProbes } from "../src/watch/outside.ts";
import { StackFacts } from "../src/watch/stack-facts.ts";

/** A gibibyte at most: about 50 busy services for a year; beyond it the oldest minutes go first. */
const maxBytes = 1024 ** 3;

export function openTelemetry(home: string): Telemetry {
  return openSqliteTelemetry(join(home, "telemetry.db"), { maxBytes });
}

/** What measures every ten seconds, and what it last measured. */
export function makeWatchOf(
  home: string,
  parts: EngineParts & { engine: Engine; telemetry: Telemetry },
): { openMetrics: OpenMetrics; start: () => void; stop: () => Promise<void> } {
  const { certificates } = parts.settings;
  const facts = new StackFacts(parts);
  const { watch, openMetrics } = makeWatch({ ...parts, certificates, home }, [
    dependencyProbes({ ...parts, facts, prober: new NetworkProber() }),
    routeProbes({ ...parts, facts }),
  ]);
  return {
    openMetrics,
    start: () => watch.start(),
    async stop() {
      await watch.stop();
      parts.telemetry.close();
    },
  };
}
