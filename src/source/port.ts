import type { Readable } from "node:stream";

/**
 * Repositories that feed stacks: pushed to Roadstead itself or fetched from a forge. A source is named like its stack.
 * Commits are full hex object ids.
 */
export interface Sources {
  readonly name: string;
  /** Makes the source's repository when it is missing. */
  ensure(source: string, signal: AbortSignal): Promise<void>;
  list(): Promise<string[]>;
  /** Answers one request of a git client (smart HTTP). */
  serve(source: string, request: GitRequest, signal: AbortSignal): Promise<GitAnswer>;
  /** Brings a ref of another repository here and answers its commit. */
  fetch(source: string, from: RemoteRepository, signal: AbortSignal): Promise<string>;
  /** Commit of a branch, tag or commit prefix; undefined when there is none. */
  resolve(source: string, ref: string, signal: AbortSignal): Promise<string | undefined>;
  describe(source: string, commit: string, signal: AbortSignal): Promise<CommitFacts>;
  /**
   * A folder with exactly the files of the commit: nothing untracked, no `.git`. The same folder for the same commit;
   * it is whole or not there.
   */
  checkout(source: string, commit: string, signal: AbortSignal): Promise<string>;
  /** Paths that differ between two commits; undefined when the older one is not known here. */
  changed(source: string, from: string, to: string, signal: AbortSignal): Promise<string[] | undefined>;
  /** Removes checkouts of other commits than these. */
  prune(source: string, keep: ReadonlySet<string>): Promise<void>;
}

export type RemoteRepository = {
  url: string;
  ref: string;
  /** Private key in OpenSSH form for `ssh` URLs, or a token for `https` ones. Never on a command line. */
  credential?: { kind: "sshKey" | "token"; secret: string };
};

export type CommitFacts = { subject: string; author: string; at: number };

export type GitRequest = {
  method: "GET" | "POST";
  /** Below the repository, e.g. `/info/refs`. */
  path: string;
  query: string;
  contentType: string;
  contentEncoding: string;
  protocol: string;
  body: Readable;
  /** Name of who pushes, for the reflog. */
  user: string;
  /** Environment that the hook of this push gets, and nothing else. */
  hook: Readonly<Record<string, string>>;
};

export type GitAnswer = { status: number; headers: Readonly<Record<string, string>>; body: Readable };
