/**
 * What the forges have in common: webhooks that prove who sent them, and statuses shown at commits. The four kinds of
 * webhook become one event; nothing beyond a driver knows a header's name.
 */
export interface Forge {
  readonly kind: ForgeKind;
  /**
   * Proves that who sent this knows the secret. Compares in constant time and before anything of the body is read.
   * Errors: `FORGE_SIGNATURE_MISSING`, `FORGE_SIGNATURE_INVALID`, `FORGE_TOKEN_IN_URL`.
   */
  verify(request: HookRequest, secret: string, options?: { urlToken?: boolean }): Proof;
  /** Errors: `FORGE_BODY_INVALID`. Events that are of no interest are `other`. */
  parse(request: HookRequest): ForgeEvent;
  /**
   * Shows a status at a commit. Absent where there is no such thing. Errors: `FORGE_UNREACHABLE` (worth another try),
   * `FORGE_REFUSED` (not).
   */
  setStatus?(at: StatusPlace, status: CommitStatus, signal: AbortSignal): Promise<void>;
}

export const forgeKinds = ["github", "gitea", "forgejo", "plain"] as const;
export type ForgeKind = (typeof forgeKinds)[number];

/** Gives the forge of a kind; most installations use one, so each is loaded when it is first needed. */
export type Forges = (kind: ForgeKind) => Promise<Forge>;

export type HookRequest = {
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Uint8Array;
  /** A token in the address: ends up in logs, so it counts only where that was allowed. */
  urlToken?: string;
};

export type Proof = {
  /** As the forge says; not covered by a signature. */
  deliveryId?: string;
  /** The signature covers the body: the same body again is a replay, under whatever id. */
  signed: boolean;
};

export type ForgeEvent =
  | PushEvent
  | PullRequestEvent
  | PackageEvent
  /** A token without a forge behind it: "deploy now". */
  | { type: "deploy"; branch?: string }
  | { type: "other"; name: string };

export type PushEvent = {
  type: "push";
  /** Without `refs/heads/` or `refs/tags/`. */
  ref: string;
  isTag: boolean;
  /** Absent: the ref was deleted. */
  commit?: string;
  subject: string;
  author: string;
};

export type PullRequestEvent = {
  type: "pullRequest";
  action: "opened" | "updated" | "closed";
  number: number;
  title: string;
  author: string;
  /** Branch that is to be merged. */
  branch: string;
  base: string;
  commit: string;
  /** The commit comes from another repository: from somebody who may not write here. */
  fork: boolean;
  /** Where the forge keeps the commit, forks included. */
  fetchRef: string;
};

export type PackageEvent = {
  type: "package";
  /** Registry, owner and name without a tag, e.g. `ghcr.io/acme/shop`. */
  image: string;
  tag: string;
  digest?: string;
};

export type StatusPlace = {
  /** Address of the forge's API; absent: the public one of the kind. */
  apiUrl?: string;
  /** `owner/name`. */
  repository: string;
  commit: string;
  token: string;
};

export type CommitStatus = {
  state: "pending" | "success" | "failure" | "error";
  description: string;
  /** Tells statuses of one commit apart, e.g. `roadstead/production`. */
  context: string;
  targetUrl?: string;
};
