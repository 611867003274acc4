import type { ProjectName } from "./settings";

/** Fields of the form on a project's page, which are the keys of its backend's `POST /api/items`. */
export const projectFields: Record<Exclude<ProjectName, "chat" | "memoro">, readonly string[]> = {
  maerchenzauber: ["hero", "place", "wish"],
  picture: ["prompt"],
  uload: ["url"],
};
