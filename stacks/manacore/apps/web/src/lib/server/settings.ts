import { env } from "$env/dynamic/private";

export const projectNames = ["chat", "maerchenzauber", "picture", "memoro", "uload"] as const;
export type ProjectName = (typeof projectNames)[number];

/** One build serves every project: which one is said at run time. */
export function project(): ProjectName {
  const name = projectNames.find((known) => known === (env.PROJECT || "chat"));
  if (!name) throw new Error(`PROJECT must be one of ${projectNames.join(", ")}`);
  return name;
}

export function version(): string {
  return env.APP_VERSION || "1";
}

/** URL of a peer; absent for memoro, which has no backend and no accounts. */
export function peer(name: "AUTH_URL" | "API_URL"): string {
  const url = env[name];
  if (!url) throw new Error(`${name} is not set`);
  return url;
}
