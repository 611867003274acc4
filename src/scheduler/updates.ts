import { AutoUpdater } from "./auto-update.ts";
import { Outdated } from "./outdated.ts";
import type { SchedulerParts } from "./parts.ts";

/** What the surfaces may ask about newer images. */
export type Updates = { updater: AutoUpdater; outdated: Outdated };

export function makeUpdates(parts: SchedulerParts): Updates {
  return { updater: new AutoUpdater(parts), outdated: new Outdated(parts) };
}
