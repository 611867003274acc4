import type { ImageTagView } from "../../api/contract/images.ts";
import { formatBytes } from "../../lib/bytes.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago } from "./time.ts";

const shownMoves = 20;

/** One line a tag; below an alias where it pointed before. */
export function renderTags(tags: readonly ImageTagView[], now: number, style: Style): string {
  if (tags.length === 0) return "Nothing was pushed from here.\n";
  const rows = tags.flatMap((tag) => [
    [
      tag.repository,
      tag.tag,
      tag.kind,
      short(tag.digest),
      formatBytes(tag.sizeBytes),
      `${ago(tag.at, now)} by ${tag.by}`,
      tag.keeping ?? "",
    ],
    ...(tag.kind === "alias" ? movesOf(tag, now, style) : []),
  ]);
  return renderTable(["REPOSITORY", "TAG", "KIND", "DIGEST", "SIZE", "PUSHED", ""], rows, style);
}

/** Newest first. */
function movesOf({ history }: ImageTagView, now: number, style: Style): string[][] {
  return [...history]
    .reverse()
    .slice(0, shownMoves)
    .map(({ at, by, from, to, reason }) => [
      "",
      "",
      "",
      style.dim(`${from === undefined ? "" : `${short(from)} → `}${short(to)}`),
      "",
      style.dim(`${ago(at, now)} by ${by}${reason === "" ? "" : `: ${reason}`}`),
      "",
    ]);
}

function short(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}
