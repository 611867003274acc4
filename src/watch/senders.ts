import { readFile } from "node:fs/promises";
import type { OpenMetrics } from "./open-metrics.ts";
import { otlpBody } from "./otlp.ts";
import type { WatchParts } from "./parts.ts";
import { send } from "./send.ts";
import { Sender } from "./sender.ts";
import type { Watch } from "./watch.ts";

export type SenderSettings = {
  /** `headersFile`: JSON of header names and values, read at every sending, e.g. with a token. */
  otlp?: { url: string; everySeconds: number; headersFile?: string | undefined } | undefined;
  heartbeat?: { url: string; everySeconds: number } | undefined;
};

type Parts = Pick<WatchParts, "clock" | "log" | "store"> & {
  watch: Pick<Watch, "illness">;
  openMetrics: Pick<OpenMetrics, "series">;
  version: string;
};

/** What is told to others by itself, as far as the operator wants it. */
export function makeSenders({ otlp, heartbeat }: SenderSettings, parts: Parts): Sender[] {
  const { clock, log } = parts;
  return [
    ...(otlp ? [new Sender({ clock, log, ...exportOf(otlp, parts) })] : []),
    ...(heartbeat ? [new Sender({ clock, log, ...heartbeatOf(heartbeat, parts) })] : []),
  ];
}

type What = Pick<ConstructorParameters<typeof Sender>[0], "name" | "everyMs" | "send">;

function exportOf(
  { url, everySeconds, headersFile }: NonNullable<SenderSettings["otlp"]>,
  parts: Parts,
): What {
  return {
    name: "the export to OpenTelemetry",
    everyMs: everySeconds * 1000,
    async send(signal) {
      const own = headersFile === undefined ? {} : headersIn(await readFile(headersFile, "utf8"));
      const body = otlpBody(parts.openMetrics.series(), parts.version);
      const headers = { ...own, "content-type": "application/json" };
      await send({ method: "POST", url, headers, body }, signal);
    },
  };
}

function headersIn(text: string): Record<string, string> {
  const read: unknown = JSON.parse(text);
  if (typeof read !== "object" || read === null) throw new Error("the file of headers holds no mapping");
  return Object.fromEntries(Object.entries(read).map(([name, value]) => [name, String(value)]));
}

/**
 * The dead man's signal: while it comes, all is well here. Whoever gets it calls for help when it stays away, which the
 * platform itself cannot do when it has stopped.
 */
function heartbeatOf({ url, everySeconds }: NonNullable<SenderSettings["heartbeat"]>, parts: Parts): What {
  return {
    name: "the heartbeat",
    everyMs: everySeconds * 1000,
    async send(signal) {
      const illness = parts.watch.illness();
      if (illness !== undefined) throw new Error(`nothing is sent: ${illness}`);
      // A store that can't be read throws.
      parts.store.scopes.list();
      await send({ method: "GET", url }, signal);
    },
  };
}
