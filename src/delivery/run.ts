import type { DeploymentId, ImageDigest, Scope } from "../rollout/ids.ts";

export type RunId = string & { readonly brand: "RunId" };

/** One way of a commit towards an environment: from the event that brought it to the deployment it ends in. */
export type Run = {
  id: RunId;
  /** Named like the stack. */
  source: string;
  scope: Scope;
  /** Branch or tag, without `refs/…`. */
  ref: string;
  commit: string;
  subject: string;
  author: string;
  trigger: Trigger;
  /** Only these take what the commit brings; absent: the whole stack. */
  services?: readonly string[];
  /** Where the commit is found at its forge, e.g. `refs/pull/7/head`; absent: at the branch. */
  fetchRef?: string;
  /** Branch that a pull request is to be merged into. */
  target?: string;
  /** The jobs and no more: nothing is built or deployed. */
  checksOnly?: boolean;
  /** Images are built anew, without what earlier builds have left. */
  noCache?: boolean;
  requestedBy: string;
  reason: string;
  createdAt: number;
  startedAt?: number;
  finishedAt?: number;
  state: RunState;
  /** In the order in which they are gone through. */
  phases: readonly PhaseRecord[];
  /** Set by an operator; acted on between and inside phases. */
  control?: RunControl;
  deployment?: DeploymentId;
  /** Service -> the image that was built for it. */
  images?: Readonly<Record<string, BuiltImage>>;
  /** Deployment to the environment before it, while and after it runs. */
  staging?: DeploymentId;
  staged?: Staged;
  approval?: Approval;
  /** Somebody let it go on although its environment was frozen or outside its windows. */
  override?: { by: string; reason: string; at: number };
  failure?: RunFailure;
};

/** What the environment before it serves: exactly these images go on. */
export type Staged = { environment: string; release: string; images: Readonly<Record<string, BuiltImage>> };

export type BuiltImage = {
  digest: ImageDigest;
  reference: string;
  /** Where a registry has it. */
  pushed?: { repository: string; digest: string; tags: readonly string[] };
};

export type Approval = { by: string; reason: string; at: number; waitedMs: number };

export type Trigger = "push" | "webhook" | "pullRequest" | "manual" | "schedule" | "registry";

/** `waiting`: a gate waits for a person, a window or a freeze to end. */
export type RunState =
  | "queued"
  | "running"
  | "waiting"
  | "succeeded"
  | "failed"
  | "rejected"
  | "aborted"
  | "superseded";

export type PhaseName = "fetch" | "jobs" | "build" | "scan" | "push" | "stage" | "approve" | "deploy";

export type PhaseRecord = {
  name: PhaseName;
  state: "pending" | "running" | "waiting" | "done" | "skipped" | "failed";
  startedAt?: number;
  finishedAt?: number;
  /** One line for people: what was done, or what is waited for. */
  detail?: string;
  /** What the phase needs to go on after a crash; only the phase reads it. */
  progress?: unknown;
};

export type RunControl = {
  /** `override`: deploys although a freeze or a window says to wait. */
  kind: "abort" | "approve" | "reject" | "override";
  by: string;
  reason: string;
  /** Other names of the same person: what any of them brought is their own change. */
  aliases?: readonly string[];
};

export type RunFailure = {
  phase: PhaseName;
  code: string;
  message: string;
  hint?: string;
  lastLines?: readonly string[];
};

export type RunLine = { seq: number; at: number; phase: PhaseName; job?: string; line: string };

export function isOver(state: RunState): boolean {
  switch (state) {
    case "queued":
    case "running":
    case "waiting":
      return false;
    case "succeeded":
    case "failed":
    case "rejected":
    case "aborted":
    case "superseded":
      return true;
  }
}

/** `main-1a2b3c4`: how people name what was delivered. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 7);
}
