import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../lib/run.ts";
import { sourceError } from "../errors.ts";
import type { CommitFacts, GitAnswer, GitRequest, RemoteRepository, Sources } from "../port.ts";
import { gitBackend } from "./git/backend.ts";
import { gitEnvironment } from "./git/environment.ts";

export type GitSourcesOptions = {
  /** Holds `sources/` and `checkouts/`. */
  home: string;
  /** Program and arguments that the `post-receive` hook runs. */
  hookCommand: readonly string[];
};

const quickMs = 30_000;
const slowMs = 10 * 60_000;
/** Stack names as Compose allows them; also keeps a name from leaving its folder. */
const validName = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** Sources as bare repositories of the system's git. */
export class GitSources implements Sources {
  readonly name = "git";
  readonly #options: GitSourcesOptions;

  constructor(options: GitSourcesOptions) {
    this.#options = options;
  }

  async ensure(source: string, signal: AbortSignal): Promise<void> {
    const path = this.#repository(source);
    if (!existsSync(join(path, "HEAD"))) {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await this.#git(["init", "--quiet", "--bare", "--initial-branch=main", path], { signal });
    }
    const quoted = this.#options.hookCommand.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    await mkdir(join(path, "hooks"), { recursive: true });
    await writeFile(join(path, "hooks", "post-receive"), `#!/bin/sh\nexec ${quoted}\n`, { mode: 0o755 });
  }

  async list(): Promise<string[]> {
    const names = await readdir(join(this.#options.home, "sources")).catch(() => []);
    return names.filter((name) => name.endsWith(".git")).map((name) => name.slice(0, -4));
  }

  async serve(source: string, request: GitRequest, signal: AbortSignal): Promise<GitAnswer> {
    return await gitBackend(this.#repository(source), request, signal);
  }

  async fetch(source: string, from: RemoteRepository, signal: AbortSignal): Promise<string> {
    await this.ensure(source, signal);
    const folder = await mkdtemp(join(this.#options.home, "sources", ".fetch-"));
    try {
      const env = await credentialEnvironment(folder, from);
      const into = `refs/fetched/${from.ref.replace(/^refs\//, "")}`;
      const argv = ["fetch", "--quiet", "--no-tags", "--end-of-options", from.url, `+${from.ref}:${into}`];
      const outcome = await this.#run(source, argv, { signal, env, timeoutMs: slowMs });
      if (outcome.exitCode !== 0)
        throw sourceError(
          "SOURCE_FETCH_FAILED",
          `cannot fetch ${from.ref} of ${source}: ${last(outcome.stderr)}`,
        );
      return await this.#one(source, ["rev-parse", `${into}^{commit}`], signal);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async resolve(source: string, ref: string, signal: AbortSignal): Promise<string | undefined> {
    if (!existsSync(this.#repository(source))) return undefined;
    const argv = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
    const outcome = await this.#run(source, argv, { signal });
    return outcome.exitCode === 0 ? outcome.stdout.trim() : undefined;
  }

  async describe(source: string, commit: string, signal: AbortSignal): Promise<CommitFacts> {
    const text = await this.#one(source, ["show", "--no-patch", "--format=%ct%n%an%n%s", commit], signal);
    const [at = "0", author = "", subject = ""] = text.split("\n");
    return { at: Number(at) * 1000, author, subject };
  }

  async checkout(source: string, commit: string, signal: AbortSignal): Promise<string> {
    const parent = join(this.#options.home, "checkouts", checkedName(source));
    const folder = join(parent, commit.slice(0, 16));
    if (existsSync(folder)) return folder;
    await mkdir(parent, { recursive: true });
    const fresh = await mkdtemp(join(parent, ".new-"));
    try {
      const tree = join(fresh, "tree");
      await mkdir(tree, { mode: 0o755 });
      const argv = ["--work-tree", tree, "checkout", "--quiet", "--force", commit, "--", "."];
      const env = { GIT_INDEX_FILE: join(fresh, "index") };
      const outcome = await this.#run(source, argv, { signal, env, timeoutMs: slowMs });
      if (outcome.exitCode !== 0)
        throw sourceError("SOURCE_COMMIT_UNKNOWN", `cannot check out ${commit}: ${last(outcome.stderr)}`);
      await rename(tree, folder).catch((error: unknown) => {
        // Another run of the same commit was quicker; both trees are the same.
        if (!existsSync(folder)) throw error;
      });
      return folder;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }

  async changed(
    source: string,
    from: string,
    to: string,
    signal: AbortSignal,
  ): Promise<string[] | undefined> {
    const argv = ["diff", "--name-only", "--no-renames", "-z", "--end-of-options", from, to];
    const outcome = await this.#run(source, argv, { signal });
    return outcome.exitCode === 0 ? outcome.stdout.split("\0").filter((path) => path !== "") : undefined;
  }

  async prune(source: string, keep: ReadonlySet<string>): Promise<void> {
    const parent = join(this.#options.home, "checkouts", checkedName(source));
    const kept = new Set([...keep].map((commit) => commit.slice(0, 16)));
    for (const name of await readdir(parent).catch(() => []))
      if (!kept.has(name)) await rm(join(parent, name), { recursive: true, force: true });
  }

  #repository(source: string): string {
    return join(this.#options.home, "sources", `${checkedName(source)}.git`);
  }

  async #one(source: string, argv: readonly string[], signal: AbortSignal): Promise<string> {
    const outcome = await this.#run(source, argv, { signal });
    if (outcome.exitCode === 0) return outcome.stdout.trim();
    throw sourceError("SOURCE_GIT_FAILED", `git ${argv[0]} of ${source} failed: ${last(outcome.stderr)}`);
  }

  #run(
    source: string,
    argv: readonly string[],
    options: { signal: AbortSignal; env?: Record<string, string>; timeoutMs?: number },
  ) {
    const { signal, env = {}, timeoutMs = quickMs } = options;
    return run(["git", "--git-dir", this.#repository(source), ...argv], {
      env: { ...gitEnvironment(), ...env },
      timeoutMs,
      signal,
      maxOutput: 16_000_000,
    });
  }

  async #git(argv: readonly string[], { signal }: { signal: AbortSignal }): Promise<void> {
    const outcome = await run(["git", ...argv], { env: gitEnvironment(), timeoutMs: quickMs, signal });
    if (outcome.exitCode !== 0)
      throw sourceError("SOURCE_GIT_FAILED", `git ${argv[0]} failed: ${last(outcome.stderr)}`);
  }
}

function checkedName(source: string): string {
  if (!validName.test(source))
    throw sourceError("SOURCE_NAME_INVALID", `${JSON.stringify(source.slice(0, 80))} can't name a source`);
  return source;
}

async function credentialEnvironment(
  folder: string,
  { credential }: RemoteRepository,
): Promise<Record<string, string>> {
  if (credential === undefined) return {};
  if (credential.kind === "token") {
    const basic = Buffer.from(`x-access-token:${credential.secret}`).toString("base64");
    return {
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.extraHeader",
      GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
    };
  }
  const key = join(folder, "key");
  await writeFile(key, credential.secret.endsWith("\n") ? credential.secret : `${credential.secret}\n`, {
    mode: 0o600,
  });
  return {
    GIT_SSH_COMMAND: `ssh -i '${key}' -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=accept-new`,
  };
}

function last(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
