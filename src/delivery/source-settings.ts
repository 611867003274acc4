import type { Store } from "../store/port.ts";

/** How a source becomes a stack. Everything has a default, so that a first push needs no set-up. */
export type SourceSettings = {
  name: string;
  /** Branch -> environment. Other branches are kept, not delivered. */
  branches: Readonly<Record<string, string>>;
  /** Relative to the repository; empty: the default Compose files of the root. */
  composeFiles: readonly string[];
  /** Where it is fetched from; absent for a source that is pushed here. */
  url?: string;
  /** Name of the secret of the environment `source` that holds the deploy key or token. */
  credential?: { kind: "sshKey" | "token"; secretName: string };
  /** Where the outcome of a run is shown at its commit; absent: nowhere. */
  status?: StatusSettings;
  /** Absent: pull requests are checked, and nothing of them is deployed. */
  previews?: PreviewSettings;
};

export type StatusSettings = {
  forge: "github" | "gitea" | "forgejo";
  /** Address of the forge's API; absent: GitHub's public one. */
  apiUrl?: string;
  /** `owner/name`. */
  repository: string;
  /** Name of the source's secret that holds the token. */
  secretName: string;
};

export type PreviewSettings = {
  /** A preview without a new commit is removed after this time. */
  ttlHours: number;
  /** At most so many at once. */
  quota: number;
  /** Pull requests from other repositories: whoever opens one could run code here. */
  forks: "refused" | "withoutSecrets";
};

export const defaultPreviews: PreviewSettings = { ttlHours: 72, quota: 5, forks: "refused" };

const collection = "sources";

export function sourceSettings(store: Store, name: string): SourceSettings {
  return store.records.get<SourceSettings>(collection, name) ?? defaultSettings(name);
}

export function saveSourceSettings(store: Store, settings: SourceSettings): void {
  store.records.put(collection, settings.name, settings);
}

function defaultSettings(name: string): SourceSettings {
  return { name, branches: { main: "production", master: "production" }, composeFiles: [] };
}

/** The environment that follows a branch; undefined: none does. */
export function environmentOf(settings: SourceSettings, branch: string): string | undefined {
  return Object.hasOwn(settings.branches, branch) ? settings.branches[branch] : undefined;
}
