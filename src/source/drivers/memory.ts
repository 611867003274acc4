import { Readable } from "node:stream";
import { sourceError } from "../errors.ts";
import type { CommitFacts, GitAnswer, RemoteRepository, Sources } from "../port.ts";

type Commit = CommitFacts & { folder: string; paths: readonly string[] };

/** Sources without git: for tests. Commits are put in by hand; it serves no clients and fetches nothing. */
export class MemorySources implements Sources {
  readonly name = "memory";
  readonly #commits = new Map<string, Map<string, Commit>>();
  readonly #refs = new Map<string, string>();

  put(source: string, ref: string, commit: string, facts: Partial<Commit> & { folder: string }): void {
    const commits = this.#commits.get(source) ?? new Map<string, Commit>();
    commits.set(commit, { subject: "", author: "", at: 0, paths: [], ...facts });
    this.#commits.set(source, commits);
    this.#refs.set(`${source} ${ref}`, commit);
  }

  async ensure(source: string): Promise<void> {
    if (!this.#commits.has(source)) this.#commits.set(source, new Map());
  }

  async list(): Promise<string[]> {
    return [...this.#commits.keys()].sort();
  }

  async serve(): Promise<GitAnswer> {
    return { status: 404, headers: {}, body: Readable.from([]) };
  }

  async fetch(source: string, from: RemoteRepository): Promise<string> {
    const commit = this.#refs.get(`${source} ${from.ref}`);
    if (commit === undefined)
      throw sourceError("SOURCE_FETCH_FAILED", `cannot fetch ${from.ref} of ${source}`);
    return commit;
  }

  async resolve(source: string, ref: string): Promise<string | undefined> {
    return this.#refs.get(`${source} ${ref}`) ?? (this.#commits.get(source)?.has(ref) ? ref : undefined);
  }

  async describe(source: string, commit: string): Promise<CommitFacts> {
    return this.#known(source, commit);
  }

  async checkout(source: string, commit: string): Promise<string> {
    return this.#known(source, commit).folder;
  }

  async changed(source: string, from: string, to: string): Promise<string[] | undefined> {
    if (!this.#commits.get(source)?.has(from)) return undefined;
    return [...this.#known(source, to).paths];
  }

  async prune(): Promise<void> {
    // Nothing lies on a disk.
  }

  #known(source: string, commit: string): Commit {
    const found = this.#commits.get(source)?.get(commit);
    if (!found) throw sourceError("SOURCE_COMMIT_UNKNOWN", `${source} has no commit ${commit}`);
    return found;
  }
}
