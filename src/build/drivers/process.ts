import { cp, mkdir, rm } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../lib/platform-error.ts";
import { type Job, type Step, stepFolder, stepGroups } from "../../pipeline/pipeline.ts";
import { buildError } from "../errors.ts";
import type { JobRunner, JobRunOutcome, JobRunSpec } from "../port.ts";
import { linkCaches } from "./process/caches.ts";
import { runStep, type StepResult } from "./process/run-step.ts";

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
  #prepared: Promise<void> | undefined;

  constructor(options: ProcessJobsOptions) {
    this.#options = options;
  }

  async run(spec: JobRunSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<JobRunOutcome> {
    const began = performance.now();
    await this.#prepare();
    const workspace = join(this.#options.folder, "work", spec.id);
    try {
      await this.#fill(workspace, spec);
      const failed = await this.#steps(workspace, spec, onLine, signal);
      const durationMs = performance.now() - began;
      if (!failed) return { ok: true, durationMs };
      return { ok: false, durationMs, ...failed };
    } finally {
      await rm(workspace, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  async close(): Promise<void> {
    // Steps end with their signal; nothing else is open.
  }

  /** What a killed control plane has left is of no use to anybody. */
  #prepare(): Promise<void> {
    this.#prepared ??= rm(join(this.#options.folder, "work"), { recursive: true, force: true });
    return this.#prepared;
  }

  async #fill(workspace: string, { source, job, cacheKey }: JobRunSpec): Promise<void> {
    try {
      await mkdir(join(workspace, "home"), { recursive: true, mode: 0o700 });
      await cp(source, join(workspace, "files"), { recursive: true, verbatimSymlinks: true });
      await linkCaches(job.caches, {
        files: join(workspace, "files"),
        home: join(workspace, "home"),
        kept: join(this.#options.folder, "cache", cacheKey),
      });
    } catch (cause) {
      throw buildError("BUILD_WORKSPACE_FAILED", `no workspace for ${job.name}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  /** Groups one after the other; a group's first failure stops its neighbours. */
  async #steps(
    workspace: string,
    spec: JobRunSpec,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    const { job } = spec;
    const deadline = performance.now() + job.timeoutSeconds * 1000;
    for (const group of stepGroups(job)) {
      const neighbours = new AbortController();
      const failures: Failure[] = [];
      await Promise.all(
        group.map(async (step) => {
          if (group.length === 1) onLine(`$ ${firstLine(step.run)}`);
          const left = deadline - performance.now();
          const result = await runStep(
            {
              script: step.run,
              folder: join(workspace, "files", stepFolder(job, step)),
              env: this.#environment(workspace, spec, step),
              timeoutMs: Math.max(1, Math.min(step.timeoutSeconds * 1000, left)),
              memoryBytes: job.limits.memoryBytes ?? Math.floor(totalmem() / 2),
            },
            group.length === 1 ? onLine : (line) => onLine(`${step.name}: ${line}`),
            AbortSignal.any([signal, neighbours.signal]),
          );
          const failure = failureOf(job, step, result);
          if (!failure || neighbours.signal.aborted) return;
          failures.push(failure);
          neighbours.abort(new Error("a step beside it failed"));
        }),
      );
      signal.throwIfAborted();
      if (failures[0]) return failures[0];
    }
    return undefined;
  }

  /** Nothing of the control plane's own environment but where programs are found. */
  #environment(workspace: string, { job, env, secrets }: JobRunSpec, step: Step): Record<string, string> {
    const { PATH = "/usr/bin:/bin", SSL_CERT_FILE, NODE_EXTRA_CA_CERTS } = process.env;
    return {
      PATH: [...this.#options.programs, PATH].join(":"),
      HOME: join(workspace, "home"),
      TMPDIR: "/tmp",
      LANG: "C.UTF-8",
      ...(SSL_CERT_FILE === undefined ? {} : { SSL_CERT_FILE }),
      ...(NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS }),
      ...env,
      ...job.env,
      ...secrets,
      ...step.env,
    };
  }
}

type Failure = Omit<Extract<JobRunOutcome, { ok: false }>, "ok" | "durationMs">;

function failureOf(job: Job, step: Step, result: StepResult): Failure | undefined {
  const name = firstLine(step.run);
  switch (result.kind) {
    case "ended":
      if (result.exitCode === 0) return undefined;
      return {
        step: step.name,
        reason: "failed",
        exitCode: result.exitCode,
        message: `${name} ended with exit code ${result.exitCode}`,
      };
    case "timedOut":
      return {
        step: step.name,
        reason: "timedOut",
        message: `${name} did not end within ${step.timeoutSeconds} s (${job.timeoutSeconds} s for the whole job)`,
      };
    case "outOfMemory":
      return {
        step: step.name,
        reason: "outOfMemory",
        message: `${name}: build out of memory, it took more than ${Math.round(result.limitBytes / 1024 / 1024)} MB`,
      };
  }
}

function firstLine(script: string): string {
  const [line = ""] = script.trim().split("\n");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
