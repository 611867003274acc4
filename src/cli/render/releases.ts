import type { ReleaseView } from "../../api/contract/models.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago, left } from "./time.ts";

/** Newest first, with the one that serves and those that are kept warm. */
export function renderReleases(
  releases: readonly ReleaseView[],
  stack: string,
  now: number,
  style: Style,
): string {
  if (releases.length === 0) return `${stack} has no release yet.\n`;
  const rows = releases.map((release) => [
    `v${release.number}`,
    release.label === "" ? "-" : release.label,
    ago(release.createdAt, now),
    markOf(release, now, style),
  ]);
  return renderTable(["RELEASE", "LABEL", "MADE", ""], rows, style);
}

function markOf(release: ReleaseView, now: number, style: Style): string {
  if (release.current) return style.good("current");
  return release.warmUntil === undefined ? "" : style.warn(`warm, ${left(release.warmUntil, now)}`);
}
