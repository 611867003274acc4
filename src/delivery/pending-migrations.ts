import { relative } from "node:path";
import { isInside } from "../pipeline/repository.ts";
import { checkMigrations, isMigrationFile } from "../policy/migration-check.ts";
import type { MigrationFinding } from "../policy/scan-findings.ts";
import type { Service } from "../stack/stack.ts";
import { checkoutFiles } from "./checkout-files.ts";
import type { RunWorld } from "./phase.ts";

/** A commit that brings more than this at once is looked at in part. */
const maxFiles = 500;

/**
 * The SQL that this commit brings and a release job would run, judged by what the release that serves would make of it
 * . Nothing serves yet, or nothing runs migrations: nothing to say.
 */
export async function pendingMigrations(world: RunWorld): Promise<MigrationFinding[]> {
  const { parts, book, run, signal } = world;
  const { stack } = await world.gathered();
  const migrating = stack.services.filter(({ releaseJob }) => releaseJob !== undefined);
  if (migrating.length === 0) return [];
  const before = book
    .list(100, { source: run.source, scope: run.scope })
    .find((other) => other.state === "succeeded" && !other.checksOnly);
  const changed = before && (await parts.sources.changed(run.source, before.commit, run.commit, signal));
  if (!changed) return [];
  const folder = await world.folder();
  const contexts = migrating.map((service) => contextOf(service, folder));
  const repository = checkoutFiles(folder);
  const files = changed
    .filter((path) => isMigrationFile(path) && contexts.some((context) => isInside(path, context)))
    .slice(0, maxFiles)
    .flatMap((path) => {
      const text = repository.readText(path);
      return text === undefined ? [] : [{ path, text }];
    });
  // What is stopped before its successor starts never meets the new tables.
  const meets = stack.services.some(({ strategy }) => strategy !== "recreate" && strategy !== "singleton");
  return checkMigrations(files).map((issue) => ({
    kind: "migration",
    ...issue,
    blocks: issue.blocks && meets,
  }));
}

/** The folder of a checkout that a service is built from; the whole of it for one that is not built. */
function contextOf({ compose }: Service, folder: string): string {
  const context = compose.build?.context;
  const path = context === undefined ? "" : relative(folder, context);
  return path === "" || path.startsWith("..") ? "." : path;
}
