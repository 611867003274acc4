import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { defaultAccess } from "../src/collector/access-sampler.ts";
import { LogCollector } from "../src/collector/collector.ts";
import { defaultLimits } from "../src/collector/line-budget.ts";
import type { CollectorParts } from "../src/collector/parts.ts";
import type { EnvironmentMasks } from "../src/delivery/environment-masks.ts";
import { FileLogStore } from "../src/logs/drivers/files.ts";
import { defaultBounds } from "../src/logs/port.ts";

const dayMs = 24 * 3600 * 1000;
const mib = 1024 * 1024;
const problemEveryMs = 60_000;

/** `<home>/logs.json`, written by the operator. */
const settingsSchema = z.strictObject({
  days: z
    .number()
    .min(1)
    .max(3650)
    .default(defaultBounds.maxAgeMs / dayMs),
  stackMiB: z
    .number()
    .min(1)
    .default(defaultBounds.maxBytesPerScope / mib),
  totalMiB: z
    .number()
    .min(1)
    .default(defaultBounds.maxBytes / mib),
  /** Of one replica, for longer than ten seconds. */
  linesPerSecond: z.number().min(1).max(100_000).default(defaultLimits.linesPerSecond),
  kibPerSecond: z
    .number()
    .min(1)
    .max(100_000)
    .default(defaultLimits.bytesPerSecond / 1024),
  /** Which requests are kept beside errors: slow ones, all up to a rate for each service, then one of so many. */
  access: z
    .strictObject({
      slowMs: z.number().min(0).default(defaultAccess.slowMs),
      perSecond: z.number().min(0).max(10_000).default(defaultAccess.perSecond),
      oneOf: z.number().int().min(1).default(defaultAccess.oneOf),
    })
    .default(defaultAccess),
});

/** The store of log lines and what fills it, out of real drivers. */
export function makeLogs(
  home: string,
  parts: Pick<CollectorParts, "runtime" | "edge" | "clock" | "log"> & { masks: EnvironmentMasks },
): { logs: FileLogStore; collector: LogCollector; stop: () => Promise<void> } {
  const settings = readSettings(join(home, "logs.json"));
  let toldAt = 0;
  const logs = new FileLogStore({
    folder: join(home, "logs"),
    bounds: {
      maxAgeMs: settings.days * dayMs,
      maxBytesPerScope: settings.stackMiB * mib,
      maxBytes: settings.totalMiB * mib,
    },
    now: parts.clock.now,
    onProblem: (message) => {
      if (parts.clock.now() - toldAt < problemEveryMs) return;
      toldAt = parts.clock.now();
      parts.log("error", message);
    },
  });
  const { linesPerSecond, kibPerSecond } = settings;
  const limits = { ...defaultLimits, linesPerSecond, bytesPerSecond: kibPerSecond * 1024 };
  const mask: CollectorParts["mask"] = (scope, text) => parts.masks.mask(scope, text);
  const expect: CollectorParts["expect"] = (scope, release) => parts.masks.rememberRelease(scope, release);
  const collector = new LogCollector({ ...parts, logs, mask, expect, limits, access: settings.access });
  const stop = async () => {
    await collector.stop();
    await logs.close();
  };
  return { logs, collector, stop };
}

function readSettings(path: string): z.output<typeof settingsSchema> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // The defaults do for most.
    return settingsSchema.parse({});
  }
  const settings = settingsSchema.safeParse(JSON.parse(text));
  if (!settings.success) throw new Error(`${path}: ${z.prettifyError(settings.error)}`);
  return settings.data;
}
