import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { NetworkDatabaseReader } from "../src/probes/drivers/databases.ts";
import { NetworkProber } from "../src/probes/drivers/network.ts";
import type { Engine } from "../src/reconciler/engine.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import { openSqliteTelemetry } from "../src/telemetry/drivers/sqlite.ts";
import type { Telemetry } from "../src/telemetry/port.ts";
import { databaseUse } from "../src/watch/databases.ts";
import { makeWatch } from "../src/watch/make-watch.ts";
import type { OpenMetrics } from "../src/watch/open-metrics.ts";
import { dependencyProbes, routeProbes } from "../src/watch/outside.ts";
import { makeSenders, type SenderSettings } from "../src/watch/senders.ts";
import { SlowQueryBook } from "../src/watch/slow-queries.ts";
import { StackFacts } from "../src/watch/stack-facts.ts";

/** A gibibyte at most: about 50 busy services for a year; beyond it the oldest minutes go first. */
const maxBytes = 1024 ** 3;

const webAddress = z.url({ protocol: /^https?$/ });
const every = z.number().int().min(10).max(3600).default(60);
/** `<home>/watch.json`, written by the operator; read at the start. */
const settingsSchema = z.strictObject({
  otlp: z
    .strictObject({
      url: webAddress,
      everySeconds: every,
      headersFile: z.string().startsWith("/").optional(),
    })
    .optional(),
  heartbeat: z.strictObject({ url: webAddress, everySeconds: every }).optional(),
});

function settingsOf(home: string): SenderSettings {
  const path = join(home, "watch.json");
  if (!existsSync(path)) return {};
  const read = settingsSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (!read.success) throw new Error(`${path}: ${z.prettifyError(read.error)}`);
  return read.data;
}

export function openTelemetry(home: string): Telemetry {
  return openSqliteTelemetry(join(home, "telemetry.db"), { maxBytes });
}

/** What measures every ten seconds, and what it last measured. */
export function makeWatchOf(
  home: string,
  parts: EngineParts & { engine: Engine; telemetry: Telemetry; version: string },
): { openMetrics: OpenMetrics; slowQueries: SlowQueryBook; start: () => void; stop: () => Promise<void> } {
  const { certificates } = parts.settings;
  const facts = new StackFacts(parts);
  const slowQueries = new SlowQueryBook();
  const { watch, openMetrics } = makeWatch({ ...parts, certificates, home }, [
    dependencyProbes({ ...parts, facts, prober: new NetworkProber() }),
    routeProbes({ ...parts, facts }),
    databaseUse({ ...parts, facts, slowQueries, reader: new NetworkDatabaseReader() }),
  ]);
  const senders = makeSenders(settingsOf(home), { ...parts, watch, openMetrics });
  return {
    openMetrics,
    slowQueries,
    start() {
      watch.start();
      for (const sender of senders) sender.start();
    },
    async stop() {
      await Promise.all(senders.map((sender) => sender.stop()));
      await watch.stop();
      parts.telemetry.close();
    },
  };
}
