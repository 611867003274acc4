import { type Job, type Step, stepGroups } from "../pipeline/pipeline.ts";
import type { JobRunOutcome, JobRunSpec } from "./port.ts";

export type StepResult =
  | { kind: "ended"; exitCode: number }
  | { kind: "timedOut" }
  | { kind: "outOfMemory"; limitBytes: number };

/** How a driver runs one script to its end; rejects with the signal's reason. */
export type StepRunner = (
  step: Step,
  options: { timeoutMs: number; onLine: (line: string) => void; signal: AbortSignal },
) => Promise<StepResult>;

export type Failure = Omit<Extract<JobRunOutcome, { ok: false }>, "ok" | "durationMs">;

/** Groups one after the other; a group's first failure stops its neighbours and ends the job. */
export async function runSteps(
  { job }: JobRunSpec,
  runOne: StepRunner,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const deadline = performance.now() + job.timeoutSeconds * 1000;
  for (const group of stepGroups(job)) {
    const alone = group.length === 1;
    const neighbours = new AbortController();
    const failures: Failure[] = [];
    const one = async (step: Step) => {
      if (alone) onLine(`$ ${firstLine(step.run)}`);
      const left = deadline - performance.now();
      const result = await runOne(step, {
        timeoutMs: Math.max(1, Math.ceil(Math.min(step.timeoutSeconds * 1000, left))),
        onLine: alone ? onLine : (line) => onLine(`${step.name}: ${line}`),
        signal: AbortSignal.any([signal, neighbours.signal]),
      });
      const failure = failureOf(job, step, result);
      if (!failure || neighbours.signal.aborted) return;
      failures.push(failure);
      neighbours.abort(new Error("a step beside it failed"));
    };
    const outcomes = await Promise.allSettled(group.map(one));
    signal.throwIfAborted();
    if (failures[0]) return failures[0];
    const broken = outcomes.find((outcome) => outcome.status === "rejected");
    if (broken) throw broken.reason;
  }
  return undefined;
}

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
