import type { StatsView } from "../../api/contract/models.ts";
import { formatBytes } from "../../lib/bytes.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";

/** One sample, one row for each running replica; `-` is what the runtime can't know. */
export function renderStats(samples: readonly StatsView[], style: Style): string {
  if (samples.length === 0) return "No replica runs.\n";
  const rows = samples.map((sample) => [
    sample.replica,
    `${(sample.cpu * 100).toFixed(1)} %`,
    `${formatBytes(sample.memoryBytes)}${sample.memoryLimitBytes === undefined ? "" : ` / ${formatBytes(sample.memoryLimitBytes)}`}`,
    sample.memoryLimitBytes === undefined
      ? "-"
      : `${((100 * sample.memoryBytes) / sample.memoryLimitBytes).toFixed(1)} %`,
    pair(sample.networkInBytes, sample.networkOutBytes),
    pair(sample.diskReadBytes, sample.diskWriteBytes),
    sample.pids === undefined ? "-" : String(sample.pids),
  ]);
  return renderTable(
    ["REPLICA", "CPU", "MEMORY", "MEM %", "NET IN / OUT", "DISK READ / WRITE", "PIDS"],
    rows,
    style,
  );
}

function pair(first: number | undefined, second: number | undefined): string {
  if (first === undefined && second === undefined) return "-";
  return `${formatBytes(first ?? 0)} / ${formatBytes(second ?? 0)}`;
}
