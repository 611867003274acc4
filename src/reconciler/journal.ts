import type { DeploymentId } from "../rollout/ids.ts";
import { type Step, stepKey } from "../rollout/step.ts";
import type {
  DeploymentFailure,
  DeploymentState,
  DistributiveOmit,
  JournalEntry,
  StepResult,
} from "../store/port.ts";
import type { EngineParts } from "./parts.ts";

const outputLineLimit = 2000;

/** Writes one deployment's journal: before and after every step, durably, then tells whoever listens. */
export class Journal {
  readonly #parts: EngineParts;
  readonly #deployment: DeploymentId;

  constructor(parts: EngineParts, deployment: DeploymentId) {
    this.#parts = parts;
    this.#deployment = deployment;
  }

  state(state: DeploymentState, message: string): void {
    this.#append({ event: "stateChanged", state, message });
  }

  started(step: Step, position: { total: number; done: number }): void {
    this.#append({ event: "stepStarted", key: stepKey(step), step, wave: 0, ...position });
  }

  done(step: Step, durationMs: number, result: StepResult | undefined): void {
    this.#append({ event: "stepDone", key: stepKey(step), step, durationMs, ...(result ? { result } : {}) });
  }

  failed(step: Step, durationMs: number, failure: DeploymentFailure): void {
    this.#append({ event: "stepFailed", key: stepKey(step), step, durationMs, failure });
  }

  output(step: Step, line: string): void {
    this.#append({ event: "output", key: stepKey(step), line: line.slice(0, outputLineLimit) });
  }

  #append(entry: DistributiveOmit<JournalEntry, "seq" | "deployment" | "at">): void {
    const { store, clock, onJournal } = this.#parts;
    const written = store.deployments.append({ ...entry, deployment: this.#deployment, at: clock.now() });
    onJournal?.(written);
  }
}
