import type { Step } from "../../../pipeline/pipeline.ts";
import type { StepResult } from "../../run-steps.ts";
import { docker, dockerDone, environmentArgs } from "./engine.ts";

/** After a kill the CLI ends at once; an engine that hangs must not keep the job for ever. */
const killGraceMs = 60_000;

export type StepCall = {
  folder: string;
  env: Readonly<Record<string, string>>;
  timeoutMs: number;
  onLine: (line: string) => void;
  signal: AbortSignal;
};

/** The running container of one job. A step that must not go on takes the whole container with it: the job has failed. */
export class JobContainer {
  readonly #name: string;
  readonly #memoryBytes: number;
  /** The step whose time was up. */
  #killedFor: Step | undefined;

  constructor(name: string, memoryBytes: number) {
    this.#name = name;
    this.#memoryBytes = memoryBytes;
  }

  async run(step: Step, call: StepCall): Promise<StepResult> {
    const { signal } = call;
    signal.throwIfAborted();
    const { args, env } = environmentArgs(call.env);
    const kill = () => void docker(["kill", this.#name]).catch(() => undefined);
    const timer = setTimeout(() => {
      this.#killedFor ??= step;
      kill();
    }, call.timeoutMs);
    signal.addEventListener("abort", kill, { once: true });
    try {
      const where = ["--workdir", call.folder, ...args, this.#name];
      const { exitCode } = await docker(["exec", ...where, "/bin/sh", "-e", "-c", step.run], {
        env,
        timeoutMs: call.timeoutMs + killGraceMs,
        onLine: (line) => call.onLine(line.trimEnd()),
      });
      signal.throwIfAborted();
      if (this.#killedFor === step) return { kind: "timedOut" };
      if (this.#killedFor) throw new Error(`${this.#killedFor.name} beside it took too long`);
      if (exitCode !== 0 && (await this.#wasOutOfMemory()))
        return { kind: "outOfMemory", limitBytes: this.#memoryBytes };
      return { kind: "ended", exitCode };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", kill);
    }
  }

  /** The kernel counts whom it killed in the container's control group (version 2, version 1). */
  async #wasOutOfMemory(): Promise<boolean> {
    const counters = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];
    const { stdout } = await docker(["exec", this.#name, "cat", ...counters]);
    if (/^oom_kill [1-9]/m.test(stdout)) return true;
    const state = await dockerDone(["inspect", "--format", "{{.State.OOMKilled}}", this.#name]);
    return state === "true";
  }
}
