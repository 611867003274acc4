import { formatSeconds } from "../../lib/duration.ts";
import { type JobState, type JobStates, nextJobs, type Verdict } from "../../pipeline/next-jobs.ts";
import type { Job, Pipeline } from "../../pipeline/pipeline.ts";
import { artefactFolders, forgetOldArtefacts } from "../artefacts.ts";
import { choosePipeline } from "../choose-pipeline.ts";
import { DeliveryError } from "../errors.ts";
import type { Phase, RunWorld } from "../phase.ts";

/** Jobs side by side on a host that also serves. */
const jobWidth = 2;
const shownLines = 30;

type JobsProgress = { states: JobStates; attempt: number };

/** Lint, types, tests, builds: what has to pass before anything is deployed. A job that a crash interrupted runs again. */
export const jobsPhase: Phase = {
  name: "jobs",
  async run(world) {
    const { pipeline, states, notes } = await choosePipeline(world);
    for (const note of notes) world.say(note);
    if (pipeline === undefined || pipeline.jobs.length === 0)
      return { kind: "skipped", detail: notes[0] ?? "no package has a script that checks or builds" };
    if (world.parts.artefacts !== undefined) await forgetOldArtefacts(world.parts.artefacts, world.run.id);
    const jobs = new JobsRun(world, pipeline, states);
    const verdict = await jobs.run();
    if (verdict === "succeeded") return { kind: "done", detail: jobs.summary() };
    throw new DeliveryError("DELIVERY_JOB_FAILED", jobs.summary(), { lastLines: jobs.lastLines() });
  },
};

class JobsRun {
  readonly #world: RunWorld;
  readonly #pipeline: Pipeline;
  readonly #states: Record<string, JobState>;
  readonly #attempt: number;
  readonly #messages: string[] = [];
  readonly #tails = new Map<string, string[]>();
  readonly #failed: string[] = [];

  constructor(world: RunWorld, pipeline: Pipeline, first: JobStates) {
    this.#world = world;
    this.#pipeline = pipeline;
    const before = world.progress as JobsProgress | undefined;
    this.#attempt = (before?.attempt ?? 0) + 1;
    const known = Object.entries(before?.states ?? first);
    // What ran when we were killed runs again, in a new workspace.
    this.#states = Object.fromEntries(known.filter(([, state]) => state !== "running"));
    this.#save();
  }

  async run(): Promise<Verdict> {
    const running = new Map<string, Promise<void>>();
    for (;;) {
      if (this.#world.signal.aborted) {
        await Promise.allSettled(running.values());
        throw this.#world.signal.reason;
      }
      const { start, skip, verdict } = nextJobs(this.#pipeline, this.#states, jobWidth);
      if (verdict !== undefined) return verdict;
      for (const { job, reason } of skip) {
        this.#set(job, "skipped");
        this.#world.say(`skipped: ${reason}`, job);
      }
      for (const name of start) {
        const job = this.#pipeline.jobs.find((candidate) => candidate.name === name);
        if (!job) continue;
        this.#set(name, "running");
        running.set(
          name,
          this.#one(job).finally(() => running.delete(name)),
        );
      }
      if (running.size > 0) await Promise.race(running.values());
    }
  }

  summary(): string {
    const failed = this.#failed.join(", ");
    if (failed !== "") return this.#messages.join("; ");
    const named = (wanted: JobState) =>
      Object.entries(this.#states).flatMap(([name, state]) => (state === wanted ? [name] : []));
    const [passed, spared] = [named("succeeded"), named("spared")];
    return [
      ...(passed.length === 0 ? [] : [`${passed.join(", ")} passed`]),
      ...(spared.length === 0 ? [] : [`nothing touched ${spared.join(", ")}`]),
    ].join("; ");
  }

  lastLines(): string[] {
    return this.#failed.flatMap((name) => this.#tails.get(name) ?? []).slice(-shownLines);
  }

  async #one(job: Job): Promise<void> {
    const { parts, run, say, signal } = this.#world;
    const tail: string[] = [];
    this.#tails.set(job.name, tail);
    const onLine = (line: string) => {
      tail.push(line);
      if (tail.length > shownLines) tail.shift();
      say(line, job.name);
    };
    say(`started${job.folder === "." ? "" : ` in ${job.folder}`}`, job.name);
    try {
      const spec = {
        id: `${run.id}-${this.#pipeline.jobs.indexOf(job)}-${this.#attempt}`,
        job,
        source: await this.#world.folder(),
        env: { CI: "true", ROADSTEAD_COMMIT: run.commit, ROADSTEAD_REF: run.ref },
        secrets: await this.#secretsOf(job),
        cacheKey: run.source,
        ...artefactFolders(parts.artefacts, run.id, { job, pipeline: this.#pipeline }),
      };
      const outcome = await parts.jobs.run(spec, onLine, signal);
      if (outcome.ok) {
        say(`✓ ${formatSeconds(outcome.durationMs / 1000)}`, job.name);
        this.#set(job.name, "succeeded");
        return;
      }
      say(`✗ ${outcome.message}`, job.name);
      this.#end(job, `${job.name}: ${outcome.message}`);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }

  #end(job: Job, message: string): void {
    this.#set(job.name, "failed");
    if (job.continueOnError) return;
    this.#failed.push(job.name);
    this.#messages.push(message);
  }

  /** Only the names that the job asks for. */
  async #secretsOf(job: Job): Promise<Record<string, string>> {
    if (job.secrets.length === 0) return {};
    const variables = await this.#world.parts.variables(this.#world.run.scope, this.#world.signal);
    const missing = job.secrets.filter((name) => variables[name] === undefined);
    if (missing.length > 0)
      throw new DeliveryError("DELIVERY_JOB_FAILED", `${job.name} needs ${missing.join(", ")}, not set`, {
        hint: "Set them with `roadstead env set`.",
      });
    return Object.fromEntries(job.secrets.map((name) => [name, variables[name] ?? ""]));
  }

  #set(job: string, state: JobState): void {
    this.#states[job] = state;
    this.#save();
  }

  #save(): void {
    const progress: JobsProgress = { states: { ...this.#states }, attempt: this.#attempt };
    this.#world.save(progress);
  }
}
