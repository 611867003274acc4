import type { Scope } from "../../../rollout/ids.ts";

/** Two environments of one stack never share data: outside production the folder carries the environment's name. */
export function volumeFolder(scope: Scope, volume: { name: string; external?: boolean | undefined }): string {
  return volume.external || scope.environment === "production"
    ? volume.name
    : `${volume.name}-${scope.environment}`;
}
