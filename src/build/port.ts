import type { Job } from "../pipeline/pipeline.ts";

/**
 * Runs the jobs of a pipeline: each in a workspace of its own that nothing is left of, with throw-away servers, within
 * limits and at low priority, so that a job never takes production down.
 */
export interface JobRunner {
  readonly name: string;
  run(spec: JobRunSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<JobRunOutcome>;
  /** Ends and removes what a killed control plane has left of its jobs; once, and before the first job at the latest. */
  removeLeftovers(): Promise<void>;
  close(): Promise<void>;
}

export type JobRunSpec = {
  /** Unique for this attempt; names what the driver makes, so that leftovers of a crash are found and removed. */
  id: string;
  job: Job;
  /** Absolute folder of the commit's files. The driver works on a copy. */
  source: string;
  /** Variables besides the job's own: `CI`, commit, branch, inputs. */
  env: Readonly<Record<string, string>>;
  /** Values of the job's secrets by name. */
  secrets: Readonly<Record<string, string>>;
  /** Kept between runs of one source: the driver's cache key. */
  cacheKey: string;
  /** Absolute folder that gets the job's artefacts. */
  artefacts?: string;
  /** Absolute folders whose files are laid over the source, in order: artefacts of the jobs that this one needs. */
  given?: readonly string[];
};

export type JobRunOutcome =
  | { ok: true; durationMs: number }
  | {
      ok: false;
      durationMs: number;
      /** The step that failed. */
      step: string;
      reason: "failed" | "timedOut" | "outOfMemory";
      exitCode?: number;
      /** For people: `npm test ended with exit code 1`. */
      message: string;
    };
