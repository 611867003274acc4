import { MysqlSource } from "../src/backup/sources/mysql.ts";
import { PostgresSource } from "../src/backup/sources/postgres.ts";
import { RedisSource } from "../src/backup/sources/redis.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import { replicaSpec } from "../src/reconciler/steps/replica-spec.ts";
import { type ReplicaId, type Revision, scopeKey } from "../src/rollout/ids.ts";
import { DatabaseKeeper, type DatabaseSource } from "../src/vault/database-keeper.ts";
import { vaultError } from "../src/vault/errors.ts";
import type { KeptSource, SourceKeeper } from "../src/vault/source-keeper.ts";
import type { ServingDatabase } from "../src/vault/throw-away.ts";

/** Keepers of the databases, by kind. */
export function databaseKeepers(
  parts: Pick<EngineParts, "runtime" | "store" | "clock">,
): Record<"postgres" | "mysql" | "redis", SourceKeeper> {
  const servingOf = (kept: KeptSource) => servingDatabase(parts, kept);
  const keeper = (source: DatabaseSource) => new DatabaseKeeper({ ...parts, servingOf, source });
  return {
    postgres: keeper(new PostgresSource()),
    mysql: keeper(new MysqlSource()),
    redis: keeper(new RedisSource()),
  };
}

/** A database as its current release has it. */
export function servingDatabase(
  { store }: Pick<EngineParts, "store">,
  { scope, stack, source }: KeptSource,
): ServingDatabase {
  const current = store.scopes.get(scope)?.current;
  const release = current && store.releases.get(current);
  const name = source.services[0] ?? source.name;
  const service = stack.services.find((candidate) => candidate.name === name);
  if (!release || !service) throw vaultError("VAULT_NO_SOURCE", `${scopeKey(scope)} has no service ${name}`);
  const { images, fileVersions } = release;
  const plan = { release: release.id, stack, images, fileVersions };
  // Replica and revision are those of whoever starts it, or of what is found running.
  const wish = { service: name, revision: "" as Revision, ordinal: 0, replica: "" as ReplicaId };
  const spec = replicaSpec({ scope, plan, parts: { store } }, wish);
  return { spec, probe: service.probe, readyTimeoutSeconds: service.readyTimeoutSeconds };
}
