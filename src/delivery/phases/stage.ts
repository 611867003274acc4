import type { DeploymentId, Scope } from "../../rollout/ids.ts";
import type { Release } from "../../store/port.ts";
import { beginDeployment, deploymentFailure, watchDeployment } from "../deployment.ts";
import { DeliveryError } from "../errors.ts";
import { waitForOpening } from "../freeze.ts";
import { gateSettings } from "../gate-settings.ts";
import { gatherStack } from "../gather-stack.ts";
import type { Phase, PhaseOutcome, RunWorld } from "../phase.ts";
import type { Staged } from "../run.ts";

/** Environment -> its deployment and how much of its journal was shown. */
type StageProgress = Readonly<Record<string, { deployment: DeploymentId; seen: number }>>;

/** The environments before this one get the very same images first, and have to pass their smoke checks. */
export const stagePhase: Phase = {
  name: "stage",
  async run(world) {
    const { run, book, gathered } = world;
    if (run.checksOnly) return { kind: "skipped", detail: "checks only" };
    const { before } = await gateSettings({ run, gathered });
    if (before.length === 0)
      return { kind: "skipped", detail: `nothing comes before ${run.scope.environment}` };
    const stage = new Stage(world);
    for (const environment of before) {
      const waiting = await stage.pass(environment);
      if (waiting) return waiting;
    }
    const staged = book.get(run.id)?.staged;
    return { kind: "done", detail: `${before.join(", ")} serves ${staged?.release ?? "it"}` };
  },
};

class Stage {
  readonly #world: RunWorld;
  #progress: StageProgress;

  constructor(world: RunWorld) {
    this.#world = world;
    this.#progress = (world.progress as StageProgress | undefined) ?? {};
  }

  /** Answers an outcome only when it has to wait. */
  async pass(environment: string): Promise<PhaseOutcome | undefined> {
    const { run, parts, say } = this.#world;
    const scope: Scope = { stack: run.scope.stack, environment };
    const known = this.#progress[environment];
    if (!known) {
      const closed = await waitForOpening(this.#world, scope);
      if (closed) return closed;
    }
    const id = known?.deployment ?? (await this.#begin(scope));
    const deployment = await watchDeployment(this.#world, id, {
      seen: known?.seen ?? 0,
      save: (seen) => this.#note(environment, { deployment: id, seen }),
    });
    const release = deployment.release && parts.store.releases.get(deployment.release);
    if (deployment.state !== "succeeded" || !release)
      throw deploymentFailure(deployment, "DELIVERY_STAGE_FAILED");
    this.#keep(environment, release);
    say(`✓ ${environment} serves v${release.number}; its images go on`);
    return undefined;
  }

  async #begin(scope: Scope): Promise<DeploymentId> {
    const { run, parts, settings, folder, signal, book } = this.#world;
    const there = { ...run, scope };
    const { bundle, files } = await gatherStack(
      parts,
      { run: there, settings, folder: await folder() },
      signal,
    );
    const images = book.get(run.id)?.staged?.images ?? run.images;
    return beginDeployment(this.#world, { scope, bundle, files, ...(images ? { images } : {}) }, (id) => {
      this.#note(scope.environment, { deployment: id, seen: 0 });
      this.#world.update({ staging: id });
    });
  }

  #note(environment: string, at: StageProgress[string]): void {
    this.#progress = { ...this.#progress, [environment]: at };
    this.#world.save(this.#progress);
  }

  #keep(environment: string, release: Release): void {
    const { run, book } = this.#world;
    const images = Object.fromEntries(
      Object.entries(release.images).map(([service, { digest, reference }]) => [
        service,
        { digest, reference },
      ]),
    );
    for (const [service, { digest }] of Object.entries(run.images ?? {}))
      if (images[service] !== undefined && images[service].digest !== digest)
        throw new DeliveryError(
          "DELIVERY_STAGE_FAILED",
          `${environment} runs another image of ${service} than was built`,
        );
    const staged: Staged = { environment, release: `v${release.number}`, images };
    book.update(run.id, (known) => ({ ...known, staged }));
  }
}
