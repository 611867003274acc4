/** A delivery on memory drivers over the engine's own test world; commits are folders with a Compose file. */

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryJobRunner } from "../build/drivers/memory.ts";
import { aStackService, by, requestFor, scope, version, type World } from "../reconciler/world-support.ts";
import { MemorySources } from "../source/drivers/memory.ts";
import type { ComposeModel, ComposeService } from "../stack/compose-model.ts";
import type { Service, Stack } from "../stack/stack.ts";
import { Delivery } from "./delivery.ts";
import type { DeliveryParts } from "./parts.ts";
import { approvePhase } from "./phases/approve.ts";
import { buildPhase } from "./phases/build.ts";
import { deployPhase } from "./phases/deploy.ts";
import { fetchPhase } from "./phases/fetch.ts";
import { jobsPhase } from "./phases/jobs.ts";
import { isOver, type Run } from "./run.ts";

export class DeliveryWorld {
  readonly world: World;
  readonly sources = new MemorySources();
  readonly jobs = new MemoryJobRunner();
  readonly news: Run[] = [];
  readonly #services = new Map<string, readonly Service[]>();
  readonly #models = new Map<string, ComposeModel>();
  readonly #changes: Partial<DeliveryParts>;
  delivery: Delivery;
  #commits = 0;

  constructor(world: World, changes: Partial<DeliveryParts> = {}) {
    this.world = world;
    this.#changes = changes;
    this.delivery = this.#newDelivery();
  }

  parts(): DeliveryParts {
    const { store, runtime, clock, ids, log } = this.world.parts();
    return {
      store,
      runtime,
      clock,
      ids,
      log,
      engine: this.world.engine,
      sources: this.sources,
      jobs: this.jobs,
      gather: async ({ set }) => {
        const services = this.#services.get(set.projectDirectory) ?? [];
        const { bundle } = requestFor(services);
        const stack = JSON.parse(bundle.texts["/project/stack.json"] ?? "{}") as Stack;
        const { projectDirectory, composeFiles, texts } = bundle;
        const own = { projectDirectory, composeFiles: [...composeFiles], texts: { ...texts } };
        const model = this.#models.get(set.projectDirectory);
        const gathered = { bundle: { ...own, profiles: [], variables: {} }, files: {}, stack, problems: [] };
        return { ...gathered, ...(model ? { model } : {}) };
      },
      variables: async () => ({}),
      mask: (_scope, line) => line.replaceAll("hunter2", "***"),
      phases: [fetchPhase, jobsPhase, buildPhase, approvePhase, deployPhase],
      onNews: (run) => void this.news.push(run),
      ...this.#changes,
    };
  }

  #newDelivery(): Delivery {
    return new Delivery(this.parts());
  }

  /** As after kill -9: engine and delivery begin anew on what is stored. */
  async restart(): Promise<void> {
    // The dead do nothing more; what they were at is not finished for them.
    void this.delivery.stop();
    await this.world.restart();
    this.delivery = this.#newDelivery();
    this.delivery.start();
  }

  /** A commit with its files; answers its id. `settings` is the stack file's `x-roadstead`, `written` its services. */
  commit(
    files: Record<string, string> = {},
    services?: readonly Service[],
    settings?: unknown,
    written: Record<string, ComposeService> = {},
  ): string {
    this.#commits += 1;
    const folder = mkdtempSync(join(tmpdir(), "roadstead-commit-"));
    for (const [name, text] of Object.entries({ "compose.yaml": "services: {}\n", ...files }))
      writeFileSync(join(folder, name), text);
    this.#services.set(folder, services ?? [version(aStackService("web"), this.#commits)]);
    if (settings !== undefined) this.#models.set(folder, modelWith(settings, written));
    const commit = String(this.#commits).padStart(40, "0");
    this.sources.put("shop", "main", commit, { folder, subject: `Change ${this.#commits}`, author: "Ada" });
    return commit;
  }

  push(commit: string): Run {
    const facts = { subject: "a change", author: "Ada", trigger: "push" as const };
    return this.delivery.accept({ source: "shop", scope, ref: "main", commit, ...facts }, by);
  }

  now(run: Run): Run {
    const found = this.delivery.book.get(run.id);
    if (!found) throw new Error(`run ${run.id} is gone`);
    return found;
  }

  async until(run: Run, condition: (run: Run) => boolean, what: string): Promise<Run> {
    await this.world.until(() => condition(this.now(run)), what);
    return this.now(run);
  }

  over(run: Run): Promise<Run> {
    return this.until(run, ({ state }) => isOver(state), `run ${run.id} over`);
  }

  output(run: Run): string {
    return this.delivery.book
      .lines(run.id, 0, 10_000)
      .map(({ job, line }) => (job === undefined ? line : `${job} | ${line}`))
      .join("\n");
  }
}

function modelWith(settings: unknown, services: Record<string, ComposeService>): ComposeModel {
  const empty = { networks: {}, volumes: {}, secrets: {}, configs: {} };
  return { name: scope.stack, services, ...empty, "x-roadstead": settings };
}

export const packageWithTests: Record<string, string> = {
  "package.json": JSON.stringify({
    name: "shop",
    version: "1.0.0",
    scripts: { test: "node --test", lint: "biome check" },
  }),
  "package-lock.json": JSON.stringify({
    name: "shop",
    lockfileVersion: 3,
    packages: { "": { name: "shop" } },
  }),
};
