import type { KeptImageView } from "../../api/contract/updates.ts";
import { formatBytes } from "../../lib/bytes.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";

/** One line per image and service; layers that several share are counted by each, so there is no sum. */
export function renderImages(images: readonly KeptImageView[], pruned: boolean, style: Style): string {
  if (images.length === 0)
    return pruned ? "Nothing to remove.\n" : "There is no image of a release on this host.\n";
  const rows = [...images]
    .sort(byService)
    .map((image) => [
      image.stack,
      image.service,
      image.reference,
      image.digest.replace(/^sha256:/, "").slice(0, 12),
      formatBytes(image.sizeBytes),
      image.releases.map((number) => `v${number}`).join(", "),
      pruned ? "removed" : keptFor(image, style),
    ]);
  return renderTable(["STACK", "SERVICE", "IMAGE", "DIGEST", "SIZE", "RELEASES", ""], rows, style);
}

function byService(one: KeptImageView, other: KeptImageView): number {
  const key = ({ stack, service }: KeptImageView) => `${stack}/${service}`;
  if (key(one) !== key(other)) return key(one) < key(other) ? -1 : 1;
  return (other.releases[0] ?? 0) - (one.releases[0] ?? 0);
}

function keptFor({ keeping }: KeptImageView, style: Style): string {
  switch (keeping) {
    case "live":
      return style.good(keeping);
    case "warm":
    case "last":
    case "in use":
      return keeping === "last" ? "among the last" : keeping;
    case "removable":
      return style.warn(keeping);
  }
}
