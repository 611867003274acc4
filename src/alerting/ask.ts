import type { AlertSeries, Ask, SeriesQuery } from "../policy/alert-measure.ts";
import { isMetricName } from "../telemetry/metrics.ts";
import type { Telemetry } from "../telemetry/port.ts";

/** Answers the rules' questions for one pass; the same question is put to the store once. */
export function askAt(telemetry: Pick<Telemetry, "range">, now: number): Ask {
  const answers = new Map<string, readonly AlertSeries[]>();
  return (query: SeriesQuery) => {
    const { metric, by, stepMs, windowMs } = query;
    const key = `${metric} ${by.join()} ${stepMs} ${windowMs}`;
    const known = answers.get(key);
    if (known) return known;
    const found = isMetricName(metric)
      ? telemetry.range({ metric, groupBy: by, from: now - windowMs, to: now + 1, step: stepMs })
      : [];
    answers.set(key, found);
    return found;
  };
}
