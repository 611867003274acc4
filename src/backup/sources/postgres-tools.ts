import { backupError } from "../errors.ts";
import { answerOf, type DatabasePlace } from "./database-place.ts";

export type PostgresTools = { pgDump: string; pgDumpall: string; pgRestore: string };

/**
 * The place's own tools, as new as its server at least: pg_dump refuses a newer server. Hosts may have several majors
 * beside each other, each in Debian's folder.
 */
export async function postgresTools(
  place: DatabasePlace,
  serverMajor: number,
  signal: AbortSignal,
): Promise<PostgresTools> {
  const folders = [`/usr/lib/postgresql/${serverMajor}/bin/`, ""];
  const found: string[] = [];
  for (const folder of folders) {
    const version = await answerOf(place, [`${folder}pg_dump`, "--version"], {}, signal).catch(
      () => undefined,
    );
    const major = Number(/\b(\d+)(?:\.\d+|beta|rc|devel)/.exec(version ?? "")?.[1]);
    if (major >= serverMajor)
      return {
        pgDump: `${folder}pg_dump`,
        pgDumpall: `${folder}pg_dumpall`,
        pgRestore: `${folder}pg_restore`,
      };
    if (Number.isFinite(major)) found.push(`pg_dump ${major}`);
  }
  const what = found.length === 0 ? "there is no pg_dump" : `${found.join(", ")} is too old`;
  throw backupError("BACKUP_TOOL_MISSING", `${what} for the PostgreSQL ${serverMajor} of ${place.name}`, {
    hint: `Install the package postgresql-client-${serverMajor} on this host, or use --runtime docker.`,
  });
}
