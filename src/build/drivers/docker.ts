import { mkdir, rm } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../lib/hash.ts";
import { messageOf } from "../../lib/platform-error.ts";
import { stepFolder } from "../../pipeline/pipeline.ts";
import { buildError } from "../errors.ts";
import type { JobRunner, JobRunOutcome, JobRunSpec } from "../port.ts";
import { runSteps } from "../run-steps.ts";
import {
  cacheFolder,
  fillWorkspace,
  keepArtefacts,
  removeWorkspace,
  type Workspace,
  workFolder,
  workspaceOf,
} from "../workspace.ts";
import { dockerDone, ensureImage, labelArgs, removeObjects } from "./docker/engine.ts";
import { JobContainer } from "./docker/job-container.ts";
import { startServices } from "./docker/services.ts";

export type DockerJobsOptions = {
  /** Holds workspaces and caches; on the engine's own machine. */
  folder: string;
  /** For jobs that name none. @default "node:24-alpine" */
  image?: string;
};

/** An eighth of what a container gets by default, when the processor is short. */
const lowPriority = ["--cpu-shares", "128", "--pids-limit", "4096"];

type Opened = { workspace: Workspace; name: string; memoryBytes: number };

/** Each job in a container of its own, through the Docker CLI; its folders have the same paths inside as outside. */
export class DockerJobRunner implements JobRunner {
  readonly name = "docker";
  readonly #folder: string;
  readonly #image: string;
  #cleared: Promise<void> | undefined;

  constructor({ folder, image = "node:24-alpine" }: DockerJobsOptions) {
    this.#folder = folder;
    this.#image = image;
  }

  async run(spec: JobRunSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<JobRunOutcome> {
    const began = performance.now();
    await this.removeLeftovers();
    const workspace = workspaceOf(this.#folder, spec.id);
    const name = `roadstead-job-${sha256(this.#folder).slice(0, 8)}-${spec.id}`;
    const memoryBytes = spec.job.limits.memoryBytes ?? Math.floor(totalmem() / 2);
    try {
      await fillWorkspace(workspace, this.#folder, spec);
      const place = { folder: this.#folder, id: spec.id, name, lowPriority, onLine, signal };
      const { network, urls } = await startServices(spec.job.services, place);
      await this.#start(spec, { workspace, name, memoryBytes }, { network, onLine, signal });
      const container = new JobContainer(name, memoryBytes);
      const failed = await runSteps(
        spec,
        (step, options) =>
          container.run(step, {
            ...options,
            folder: join(workspace.files, stepFolder(spec.job, step)),
            env: {
              ...{ HOME: workspace.home, LANG: "C.UTF-8" },
              ...{ ...spec.env, ...spec.job.env, ...urls, ...spec.secrets, ...step.env },
            },
          }),
        onLine,
        signal,
      );
      await keepArtefacts(workspace.files, spec);
      const durationMs = performance.now() - began;
      return failed ? { ok: false, durationMs, ...failed } : { ok: true, durationMs };
    } finally {
      await removeObjects(this.#folder, spec.id);
      await removeWorkspace(workspace);
    }
  }

  /** Found by their labels. */
  removeLeftovers(): Promise<void> {
    this.#cleared ??= this.#clear().catch((error: unknown) => {
      this.#cleared = undefined;
      throw error;
    });
    return this.#cleared;
  }

  async close(): Promise<void> {
    // Containers end with their jobs; nothing else is open.
  }

  async #clear(): Promise<void> {
    await removeObjects(this.#folder);
    await rm(workFolder(this.#folder), { recursive: true, force: true, maxRetries: 3 });
  }

  /** Never given up half-way: a container that the engine makes after we looked away would stay. */
  async #start(
    spec: JobRunSpec,
    { workspace, name, memoryBytes }: Opened,
    {
      network,
      onLine,
      signal,
    }: { network: string | undefined; onLine: (line: string) => void; signal: AbortSignal },
  ): Promise<void> {
    const { job, id, cacheKey } = spec;
    const image = job.image ?? this.#image;
    const cache = cacheFolder(this.#folder, cacheKey);
    const bind = (folder: string) => ["--mount", `type=bind,src=${folder},dst=${folder}`];
    try {
      await mkdir(cache, { recursive: true, mode: 0o700 });
      await ensureImage(image, onLine, signal);
      await dockerDone([
        ...["run", "--detach", "--init", "--pull", "never", "--name", name, ...labelArgs(this.#folder, id)],
        ...["--memory", String(memoryBytes), "--memory-swap", String(memoryBytes), ...lowPriority],
        ...(job.limits.cpus === undefined ? [] : ["--cpus", String(job.limits.cpus)]),
        ...(network === undefined ? [] : ["--network", network]),
        ...["--security-opt", "no-new-privileges", ...userArgs()],
        ...[...bind(workspace.files), ...bind(workspace.home), ...bind(cache)],
        // Something that lives as long as the job; the steps come beside it.
        ...["--entrypoint", "tail", image, "-f", "/dev/null"],
      ]);
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw buildError("BUILD_IMAGE_UNAVAILABLE", `no container of ${image}: ${messageOf(cause)}`, { cause });
    }
    signal.throwIfAborted();
  }
}

/** What the steps write belongs to the control plane's user, who removes it. */
function userArgs(): string[] {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid === undefined || gid === undefined ? [] : ["--user", `${uid}:${gid}`];
}
