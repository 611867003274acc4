import type { HealthChange } from "../reconciler/health-news.ts";
import { Drills } from "./drills.ts";
import { Incidents } from "./incidents.ts";
import type { RecoveryParts } from "./parts.ts";
import { Recovery } from "./recovery.ts";

/** What the surfaces may ask about incidents and drills. */
export type RecoveryWorks = {
  recovery: Recovery;
  incidents: Incidents;
  drills: Drills;
  onHealth: (change: HealthChange) => void;
  start: () => void;
  stop: () => Promise<void>;
};

export function makeRecovery(parts: RecoveryParts): RecoveryWorks {
  const recovery = new Recovery(parts);
  const incidents = new Incidents(parts, recovery);
  const drills = new Drills(parts, recovery, incidents);
  return {
    recovery,
    incidents,
    drills,
    onHealth: (change) => recovery.onHealth(change),
    start() {
      recovery.start();
      drills.start();
    },
    async stop() {
      await drills.stop();
      await recovery.stop();
    },
  };
}
