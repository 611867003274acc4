import { mkdir, readdir, rm } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { type Step, stepFolder } from "../../pipeline/pipeline.ts";
import type { JobRunner, JobRunOutcome, JobRunSpec } from "../port.ts";
import { runSteps } from "../run-steps.ts";
import {
  fillWorkspace,
  keepArtefacts,
  removeWorkspace,
  type Workspace,
  workFolder,
  workspaceOf,
} from "../workspace.ts";
import { endJobProcesses, jobVariable } from "./process/job-processes.ts";
import { runStep } from "./process/run-step.ts";
import { startServices } from "./process/services.ts";

export type ProcessJobsOptions = {
  /** Holds workspaces and caches. */
  folder: string;
  /** Folders that come first in the steps' PATH, e.g. the pinned Node's. */
  programs: readonly string[];
};

/** Jobs as child processes of this machine: no image, no isolation, but limits, low priority and a clean workspace. */
export class ProcessJobRunner implements JobRunner {
  readonly name = "process";
  readonly #options: ProcessJobsOptions;
  #cleared: Promise<void> | undefined;

  constructor(options: ProcessJobsOptions) {
    this.#options = options;
  }

  async run(spec: JobRunSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<JobRunOutcome> {
    const began = performance.now();
    const { folder } = this.#options;
    await this.removeLeftovers();
    const workspace = workspaceOf(folder, spec.id);
    try {
      await fillWorkspace(workspace, folder, spec);
      const tools = join(folder, "tools");
      const urls = await startServices(spec.job.services, { workspace, tools, onLine, signal });
      const failed = await runSteps(
        spec,
        (step, options) =>
          runStep(
            {
              script: step.run,
              folder: join(workspace.files, stepFolder(spec.job, step)),
              env: this.#environment(workspace, { spec, urls, step }),
              timeoutMs: options.timeoutMs,
              memoryBytes: spec.job.limits.memoryBytes ?? Math.floor(totalmem() / 2),
            },
            options.onLine,
            options.signal,
          ),
        onLine,
        signal,
      );
      await keepArtefacts(workspace.files, spec);
      const durationMs = performance.now() - began;
      return failed ? { ok: false, durationMs, ...failed } : { ok: true, durationMs };
    } finally {
      await endJobProcesses(workspace.root);
      await removeWorkspace(workspace);
    }
  }

  /** Each folder that a killed control plane has left names its job's processes. */
  removeLeftovers(): Promise<void> {
    this.#cleared ??= this.#clear().catch((error: unknown) => {
      this.#cleared = undefined;
      throw error;
    });
    return this.#cleared;
  }

  async close(): Promise<void> {
    // Steps end with their signal; nothing else is open.
  }

  async #clear(): Promise<void> {
    const work = workFolder(this.#options.folder);
    // The servers' users pass through.
    await mkdir(work, { recursive: true, mode: 0o711 });
    for (const id of await readdir(work)) await endJobProcesses(join(work, id));
    await rm(work, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Nothing of the control plane's own environment but where programs are found. */
  #environment(
    { home, root }: Workspace,
    { spec, urls, step }: { spec: JobRunSpec; urls: Readonly<Record<string, string>>; step: Step },
  ): Record<string, string> {
    const { PATH = "/usr/bin:/bin", SSL_CERT_FILE, NODE_EXTRA_CA_CERTS } = process.env;
    return {
      PATH: [...this.#options.programs, PATH].join(":"),
      HOME: home,
      TMPDIR: "/tmp",
      LANG: "C.UTF-8",
      ...(SSL_CERT_FILE === undefined ? {} : { SSL_CERT_FILE }),
      ...(NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS }),
      ...spec.env,
      ...spec.job.env,
      ...urls,
      ...spec.secrets,
      ...step.env,
      [jobVariable]: root,
    };
  }
}
