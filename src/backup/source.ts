import type { Manifest } from "../policy/backup-manifest.ts";
import type { SourceKind } from "./port.ts";

/**
 * Knows how to copy one kind of data while it is in use, and to put a copy back. The stream is a plain format of the
 * kind's own tools, so that a human can restore it without Roadstead. Decides nothing.
 */
export interface Source<Place> {
  readonly kind: SourceKind;
  /** Begins a consistent copy. */
  dump(place: Place, signal: AbortSignal): Promise<Dump>;
  /** Fills a place that holds nothing yet. */
  restore(content: AsyncIterable<Uint8Array>, place: Place, signal: AbortSignal): Promise<void>;
  /** What a place holds now, in the words of the dump's manifest. */
  inspect(place: Place, signal: AbortSignal): Promise<Manifest>;
}

export type Dump = {
  content: AsyncIterable<Uint8Array>;
  /** Of exactly the moment that the content shows; to be asked for once the content has been read to its end. */
  manifest: () => Promise<Manifest>;
};
