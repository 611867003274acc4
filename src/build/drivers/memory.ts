import type { JobRunner, JobRunOutcome, JobRunSpec } from "../port.ts";

export type JobScript = (
  spec: JobRunSpec,
  onLine: (line: string) => void,
  signal: AbortSignal,
) => Promise<JobRunOutcome>;

/** Jobs that end as the test says, without running anything. */
export class MemoryJobRunner implements JobRunner {
  readonly name = "memory";
  readonly ran: string[] = [];
  #script: JobScript = async () => ({ ok: true, durationMs: 0 });

  behave(script: JobScript): void {
    this.#script = script;
  }

  async run(spec: JobRunSpec, onLine: (line: string) => void, signal: AbortSignal): Promise<JobRunOutcome> {
    this.ran.push(spec.job.name);
    return await this.#script(spec, onLine, signal);
  }

  async removeLeftovers(): Promise<void> {
    // Nothing outlives this process.
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
