import { type Coverage, coverage } from "../policy/backup-coverage.ts";
import { nextRun, type Schedule, scheduleOf } from "../policy/backup-schedule.ts";
import type { BackupSource } from "../policy/backup-source.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { isPreviewEnvironment } from "../stack/preview-environment.ts";
import type { Stack } from "../stack/stack.ts";
import type { BackupRun, BackupRuns } from "./backup-run.ts";
import { vaultError } from "./errors.ts";
import type { VaultParts } from "./parts.ts";

export type SourcePlan = BackupSource & {
  supported: boolean;
  last?: BackupRun;
  lastVerified?: BackupRun;
  nextAt?: number;
};

export type BackupPlan = {
  scope: Scope;
  schedule?: Schedule;
  /** Absent: there is none, and nothing is backed up. */
  repository?: string;
  sources: readonly SourcePlan[];
  uncovered: Coverage["uncovered"];
};

type Known = { release: string; stack: Pick<Stack, "backups">; coverage: Coverage };

export type SourceFact = { scope: Scope; source: string; value: number; words?: string };

/** What each stack that runs has to lose, and how well it is covered. Understood once per release. */
export class PlanBook {
  readonly #parts: VaultParts;
  readonly #runs: BackupRuns;
  readonly #known = new Map<string, Known>();

  constructor(parts: VaultParts, runs: BackupRuns) {
    this.#parts = parts;
    this.#runs = runs;
  }

  /** Whether it runs anything. */
  knows(scope: Scope): boolean {
    return this.#knownOf(scope) !== undefined;
  }

  plan(scope: Scope): BackupPlan {
    const known = this.#knownOf(scope);
    if (!known) throw vaultError("VAULT_NO_RELEASE", `${scopeKey(scope)} has no release`);
    const { stack, coverage: found } = known;
    const repository = this.#parts.repositories.chosen(stack.backups?.repository)?.name;
    const schedule = scheduleOf(stack, isPreviewEnvironment(scope.environment));
    const nextAt = schedule && repository && nextRun(schedule, this.#parts.clock.now());
    const sources = found.sources.map((source): SourcePlan => {
      const { last, lastVerified } = this.#runs.latest(scope, source.name);
      const supported = this.#parts.keepers[source.kind] !== undefined;
      return {
        ...source,
        supported,
        ...(last ? { last } : {}),
        ...(lastVerified ? { lastVerified } : {}),
        ...(supported && typeof nextAt === "number" ? { nextAt } : {}),
      };
    });
    return {
      scope,
      ...(schedule ? { schedule } : {}),
      ...(repository === undefined ? {} : { repository }),
      sources,
      uncovered: found.uncovered,
    };
  }

  /** The stack that a scope runs now. */
  stackOf(scope: Scope): Stack {
    const stack = this.#resolve(scope)?.stack;
    if (!stack) throw vaultError("VAULT_NO_RELEASE", `${scopeKey(scope)} has no release`);
    return stack;
  }

  /** A source that was never backed up is late from here on. */
  firstSeen(scope: Scope, source: string): number {
    const { store, clock } = this.#parts;
    const key = `${scopeKey(scope)}/${source}`;
    const known = store.records.get<{ at: number }>("backup-first-seen", key);
    if (known) return known.at;
    store.records.put("backup-first-seen", key, { at: clock.now() });
    return clock.now();
  }

  /** Hours since the last verified copy, and snapshots that may not be restorable: for the alert rules. */
  facts(): { age: SourceFact[]; suspect: SourceFact[] } {
    const { store, clock } = this.#parts;
    const [age, suspect]: [SourceFact[], SourceFact[]] = [[], []];
    for (const { scope } of store.scopes.list()) {
      if (!this.#knownOf(scope)) continue;
      const { schedule, repository, sources } = this.plan(scope);
      if (schedule === undefined || repository === undefined) continue;
      for (const { name, supported, last, lastVerified, priority } of sources) {
        if (!supported) continue;
        const since = lastVerified?.snapshot?.takenAt ?? this.firstSeen(scope, name);
        const hours = (clock.now() - since) / 3600_000;
        if (priority !== "low") age.push({ scope, source: name, value: hours });
        const bad = last && (last.verdict === "suspect" || last.verdict === "failed") ? last : undefined;
        const words = bad && `${bad.verdict}: ${(bad.reasons ?? []).slice(0, 3).join("; ")}`;
        suspect.push({ scope, source: name, value: bad ? 1 : 0, ...(words === undefined ? {} : { words }) });
      }
    }
    return { age, suspect };
  }

  /** The source of a run as it is now. */
  sourceOf(run: BackupRun): BackupSource {
    const source = this.#knownOf(run.scope)?.coverage.sources.find(({ name }) => name === run.source);
    if (!source)
      throw vaultError("VAULT_NO_SOURCE", `${scopeKey(run.scope)} has no source ${run.source} any more`);
    return source;
  }

  #knownOf(scope: Scope): Known | undefined {
    const key = scopeKey(scope);
    const release = this.#parts.store.scopes.get(scope)?.current;
    const known = this.#known.get(key);
    if (release === undefined || known?.release === release) return release === undefined ? undefined : known;
    const stack = this.#resolve(scope)?.stack;
    if (!stack) return undefined;
    const { backups } = stack;
    const fresh = { release, stack: backups ? { backups } : {}, coverage: coverage(stack) };
    this.#known.set(key, fresh);
    return fresh;
  }

  #resolve(scope: Scope): { stack?: Stack } | undefined {
    const { store, resolve } = this.#parts;
    const current = store.scopes.get(scope)?.current;
    const release = current && store.releases.get(current);
    return release && resolve(release.bundle, scope.environment);
  }
}
