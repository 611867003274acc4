import { readTar as readAnyTar, type TarEntry } from "../../../lib/read-tar.ts";
import { scanError } from "../../errors.ts";

export type { TarEntry } from "../../../lib/read-tar.ts";

/** The entries of an archive that is looked at. */
export function readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, undefined> {
  return readAnyTar(chunks, (why) => scanError("SCAN_ARCHIVE_BROKEN", why));
}
