import { UpdateApprovals } from "./approvals.ts";
import { AutoUpdater } from "./auto-update.ts";
import { ImageKeeper } from "./image-keeper.ts";
import { Outdated } from "./outdated.ts";
import type { SchedulerParts } from "./parts.ts";

/** What the surfaces may ask about newer images and kept ones, and what goes on by itself. */
export type Updates = {
  updater: AutoUpdater;
  approvals: UpdateApprovals;
  outdated: Outdated;
  images: ImageKeeper;
  start: () => void;
  stop: () => Promise<void>;
};

export function makeUpdates(parts: SchedulerParts): Updates {
  const updater = new AutoUpdater(parts);
  const images = new ImageKeeper(parts);
  return {
    updater,
    approvals: new UpdateApprovals(parts, (scope, services) => updater.poke(scope, services)),
    images,
    outdated: new Outdated(parts),
    start: () => {
      updater.start();
      images.start();
    },
    stop: async () => {
      await Promise.all([updater.stop(), images.stop()]);
    },
  };
}
