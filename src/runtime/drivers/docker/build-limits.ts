import { access, mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../../lib/hash.ts";

/** A share of the processor, when it is short, where everything else has 1024 (version 1) or 100 (version 2). */
const cpuShares = "128";
const cpuWeight = "12";

/** On a host that also serves: with two cores one build at a time, else two. */
export const buildWidth = availableParallelism() <= 2 ? 1 : 2;

export type BuildLimitsOptions = {
  owner: string;
  /** For all builds of the host together. @default half of its memory */
  memoryBytes?: number;
  /** @default "/sys/fs/cgroup" */
  root?: string;
};

/** The group that the RUN steps of a build belong to. */
export type BuildGroup = {
  /** Value for `--cgroup-parent`. */
  parent: string;
  memoryBytes: number;
  /** How often the limit was in the way, or somebody was killed for it, since the group was made. */
  hits: () => Promise<number>;
};

/**
 * Keeps builds from taking the host down: a few at a time, and their steps in a control group with a memory limit and
 * a small share of the processor. BuildKit has no limits of its own, but takes a parent group.
 */
export class BuildLimits {
  readonly #name: string;
  readonly #memoryBytes: number;
  readonly #root: string;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ owner, memoryBytes, root = "/sys/fs/cgroup" }: BuildLimitsOptions) {
    this.#name = `roadstead-builds-${sha256(owner).slice(0, 8)}`;
    this.#memoryBytes = memoryBytes ?? Math.floor(totalmem() / 2);
    this.#root = root;
  }

  /**
   * Waits for its turn, then builds. The group is absent where we may not make one: without root, or where systemd
   * owns the groups (`driver`).
   */
  async run<T>(
    driver: string,
    signal: AbortSignal,
    build: (group: BuildGroup | undefined) => Promise<T>,
  ): Promise<T> {
    await this.#turn(signal);
    try {
      return await build(driver === "cgroupfs" ? await this.#open() : undefined);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) await this.#remove();
      this.#waiting.shift()?.();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    while (this.#running >= buildWidth) {
      await new Promise<void>((resolve, reject) => {
        const onAbort = () => {
          this.#waiting.splice(this.#waiting.indexOf(wake), 1);
          reject(signal.reason);
        };
        const wake = () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        };
        signal.addEventListener("abort", onAbort, { once: true });
        this.#waiting.push(wake);
      });
    }
    signal.throwIfAborted();
    this.#running += 1;
  }

  async #open(): Promise<BuildGroup | undefined> {
    const limit = String(this.#memoryBytes);
    const parent = `/${this.#name}`;
    try {
      if (await exists(join(this.#root, "cgroup.controllers"))) {
        const group = join(this.#root, this.#name);
        await makeGroup(group);
        await writeFile(join(group, "memory.max"), limit);
        await writeFile(join(group, "cpu.weight"), cpuWeight);
        if (await exists(join(group, "memory.swap.max")))
          await writeFile(join(group, "memory.swap.max"), "0");
        const hits = async () =>
          counter(await readFile(join(group, "memory.events"), "utf8"), /^oom_kill (\d+)/m);
        return { parent, memoryBytes: this.#memoryBytes, hits };
      }
      const [memory, cpu] = [join(this.#root, "memory", this.#name), join(this.#root, "cpu", this.#name)];
      for (const group of [memory, cpu]) await makeGroup(group);
      await writeFile(join(memory, "memory.limit_in_bytes"), limit);
      await writeFile(join(cpu, "cpu.shares"), cpuShares);
      const hits = async () => counter(await readFile(join(memory, "memory.failcnt"), "utf8"), /^(\d+)/);
      return { parent, memoryBytes: this.#memoryBytes, hits };
    } catch {
      // Not ours to make: a build without limits is better than none, and the caller says so.
      return undefined;
    }
  }

  /** Version 1 has a tree for each controller, and the engine makes our group in all of them. */
  async #remove(): Promise<void> {
    const trees = [
      this.#root,
      ...(await readdir(this.#root).catch(() => [])).map((name) => join(this.#root, name)),
    ];
    for (const tree of trees)
      for (const group of [join(tree, this.#name, "buildkit"), join(tree, this.#name)])
        await rmdir(group).catch(() => undefined);
  }
}

/** In a tree that is there: nothing else may be made of a path that is none. */
async function makeGroup(group: string): Promise<void> {
  if (!(await exists(group))) await mkdir(group);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function counter(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
