import { join } from "node:path";
import { PostgresSource } from "../src/backup/sources/postgres.ts";
import { adoptPostgres, runPostgres } from "../src/backup/sources/postgres-adopt.ts";
import type { News } from "../src/notify/news.ts";
import type { ControlEngine } from "../src/reconciler/control-engine.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import type { Bundle } from "../src/store/port.ts";
import { DatabaseBuilder } from "../src/vault/database-builder.ts";
import { LogPoints } from "../src/vault/log-points.ts";
import { PostgresRecovery } from "../src/vault/postgres-recovery.ts";
import { VolumeBuilder } from "../src/vault/restore-builder.ts";
import { keptSource } from "../src/vault/restore-plan.ts";
import { Restorer } from "../src/vault/restorer.ts";
import type { KeptSource } from "../src/vault/source-keeper.ts";
import { servingDatabase } from "./databases.ts";
import type { VaultWorks } from "./vault.ts";

export type RestoreWorks = { restorer: Restorer; points: LogPoints };

/** Restores out of real drivers. Each kind of source that can be brought back is named here. */
export function makeRestores(
  home: string,
  parts: EngineParts &
    Pick<VaultWorks, "vault" | "repositories"> & {
      engine: ControlEngine;
      notify: (news: News) => void;
    },
): RestoreWorks {
  const { runtime, clock, resolve, mask } = parts;
  const servingOf = (kept: KeptSource) => servingDatabase(parts, kept);
  const volumes = new VolumeBuilder({ runtime, clock });
  const postgres = new DatabaseBuilder({
    runtime,
    clock,
    servingOf,
    source: new PostgresSource(clock),
    dataFolder: "/var/lib/postgresql/data",
    adopt: adoptPostgres,
    run: runPostgres,
    recovery: new PostgresRecovery(clock),
  });
  const resolved = {
    ...parts,
    resolve: (bundle: Bundle, environment: string) => resolve(bundle, environment, { accepted: true }),
  };
  const points = new LogPoints({
    ...resolved,
    servingOf,
    keptOf: (scope, source) => keptSource(resolved, scope, source),
    folder: join(home, "logs-of-databases"),
  });
  const restorer = new Restorer({
    ...resolved,
    points,
    mask: (scope, text) => mask?.(scope, text) ?? text,
    builders: { volume: volumes, bind: volumes, postgres },
  });
  return { restorer, points };
}
