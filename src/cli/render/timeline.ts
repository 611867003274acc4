import type { TimelineView } from "../../api/contract/gates.ts";
import { formatSeconds } from "../../lib/duration.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";

/** The ten steps, planned against actual: when each ends, counted from the merge, and what it takes. */
export function renderTimeline({ rows }: TimelineView, style: Style): string {
  const cells = rows.map((row) => [
    row.step,
    clock(row.plannedAt),
    took(row.plannedFor),
    clock(row.actualAt),
    took(row.actualFor),
    row.state === "failed" ? style.bad(row.state) : row.state === "done" ? "" : style.dim(row.state),
  ]);
  return renderTable(["STEP", "PLANNED", "TAKES", "ACTUAL", "TOOK", ""], cells, style);
}

function clock(ms: number | undefined): string {
  if (ms === undefined) return "-";
  const minutes = Math.floor(ms / 60_000);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}

function took(ms: number | undefined): string {
  return ms === undefined ? "-" : formatSeconds(ms / 1000);
}
