import { setTimeout as sleep } from "node:timers/promises";
import { coverage } from "../src/policy/backup-coverage.ts";
import { rowsOf } from "../src/policy/backup-manifest.ts";
import type { RecoveryParts, Restores } from "../src/recovery/parts.ts";
import { type Scope, scopeKey } from "../src/rollout/ids.ts";
import type { RestoreRun } from "../src/vault/restore-run.ts";
import type { Restorer } from "../src/vault/restorer.ts";
import type { Vault } from "../src/vault/vault.ts";

const pollMs = 250;

type Parts = { vault: Vault; restorer: Restorer; stackOf: RecoveryParts["stackOf"] };

/** The backups as the recovery tree needs them. */
export function restoresOf({ vault, restorer, stackOf }: Parts): Restores {
  const sourceOf = (scope: Scope, service: string) => {
    const stack = stackOf(scope);
    const sources = stack ? coverage(stack).sources : [];
    return (
      sources.find(({ name }) => name === service) ??
      sources.find(({ services }) => services.includes(service))
    )?.name;
  };
  const restored = (scope: Scope, snapshot: string) =>
    restorer.runs
      .list(scope)
      .filter(({ state, kind }) => state === "done" && kind === "restore")
      .flatMap(({ items }) => items)
      .find(({ from }) => from.kind === "backup" && from.backup === snapshot);
  return {
    snapshots(scope, service) {
      const source = sourceOf(scope, service);
      const runs = source === undefined ? [] : vault.runs.of(scope, source);
      return runs
        .flatMap(({ id, verdict, snapshot, forgottenAt }) =>
          verdict === "verified" && snapshot && forgottenAt === undefined
            ? [{ id, takenAt: snapshot.takenAt }]
            : [],
        )
        .sort((a, b) => b.takenAt - a.takenAt);
    },

    async restore({ from, scope, service, snapshot, attempt }, by, signal) {
      const reason = `${by.reason}, attempt ${attempt}`;
      const known = restorer.runs.list(scope).find((run) => run.reason === reason);
      const what = sourceOf(from, service) ?? service;
      const elsewhere = scopeKey(scope) === scopeKey(from) ? {} : { as: scope.environment };
      // What serves is damaged: its volume stays, a copy of it would prove nothing.
      const request = { what, snapshot, noSafety: true, ...elsewhere };
      const run = known ?? restorer.request(from, request, { requestedBy: by.name, reason });
      await ended(restorer, run, signal);
    },

    async inspect({ scope, snapshot }) {
      const item = restored(scope, snapshot);
      if (!item?.manifest) return { ok: false, detail: "nothing was restored from it" };
      const wrong = (item.checks ?? []).filter(({ ok }) => !ok).map(({ check }) => check);
      const { parts } = item.manifest;
      const held = `${rowsOf(item.manifest)} rows in ${parts.length} parts, as in the backup`;
      return wrong.length === 0 ? { ok: true, detail: held } : { ok: false, detail: wrong.join("; ") };
    },
  };
}

async function ended(restorer: Restorer, run: RestoreRun, signal: AbortSignal): Promise<void> {
  for (;;) {
    const now = restorer.find(run.id);
    if (now.state === "done") return;
    if (now.state === "failed") throw new Error(now.failure?.message ?? "the restore failed");
    await sleep(pollMs, undefined, { signal });
  }
}
