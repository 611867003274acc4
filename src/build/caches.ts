import { mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256 } from "../lib/hash.ts";

/** Puts each cache folder where the job expects it, as a link to what earlier runs of the source have kept. */
export async function linkCaches(
  caches: readonly string[],
  where: { files: string; home: string; kept: string },
): Promise<void> {
  for (const cache of caches) {
    const kept = join(where.kept, sha256(cache).slice(0, 16));
    const place = cache.startsWith("~/") ? join(where.home, cache.slice(2)) : join(where.files, cache);
    await mkdir(kept, { recursive: true, mode: 0o700 });
    await mkdir(dirname(place), { recursive: true });
    await rm(place, { recursive: true, force: true });
    await symlink(kept, place);
  }
}
