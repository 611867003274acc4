import { accessEndpoints } from "./access.ts";
import { alertEndpoints } from "./alerts.ts";
import { backupEndpoints } from "./backups.ts";
import { deliveryEndpoints } from "./delivery.ts";
import { deploymentEndpoints } from "./deployments.ts";
import { environmentEndpoints } from "./environment.ts";
import { forgeEndpoints } from "./forge.ts";
import { gateEndpoints } from "./gates.ts";
import { imageEndpoints } from "./images.ts";
import { drillEndpoints, incidentEndpoints } from "./incidents.ts";
import { logEndpoints } from "./logs.ts";
import { notifyEndpoints } from "./notify.ts";
import { operateEndpoints } from "./operate.ts";
import { overviewEndpoints } from "./overview.ts";
import { pageEndpoints } from "./pages.ts";
import { recoverEndpoints } from "./recover.ts";
import { restoreEndpoints } from "./restores.ts";
import { stackEndpoints } from "./stacks.ts";
import { statusPageEndpoints } from "./status-page.ts";
import { systemEndpoints } from "./system.ts";
import { telemetryEndpoints } from "./telemetry.ts";
import { updateEndpoints } from "./updates.ts";

/** The whole API, version 1: every route that the server has and every call that the client has. */
export const apiTable = {
  stacks: stackEndpoints,
  deployments: deploymentEndpoints,
  delivery: deliveryEndpoints,
  forge: forgeEndpoints,
  environment: environmentEndpoints,
  incidents: incidentEndpoints,
  drills: drillEndpoints,
  updates: updateEndpoints,
  images: imageEndpoints,
  gates: gateEndpoints,
  operate: operateEndpoints,
  logs: logEndpoints,
  alerts: alertEndpoints,
  backups: backupEndpoints,
  restores: restoreEndpoints,
  recover: recoverEndpoints,
  notify: notifyEndpoints,
  system: systemEndpoints,
  telemetry: telemetryEndpoints,
  pages: pageEndpoints,
  overview: overviewEndpoints,
  statusPage: statusPageEndpoints,
  access: accessEndpoints,
};

export type ApiTable = typeof apiTable;
