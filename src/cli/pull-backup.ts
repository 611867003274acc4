import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BackupView } from "../api/contract/backups.ts";
import type { ApiClient } from "../api/contract/client.ts";
import { PlatformError } from "../lib/platform-error.ts";

/** What the stock tools of each kind call their files. */
const endings: Readonly<Record<BackupView["kind"], string>> = {
  postgres: "dump",
  mysql: "sql",
  mongodb: "archive",
  redis: "rdb",
  sqlite: "db",
  volume: "tar",
  bind: "tar",
  platform: "tar",
};

export type PulledBackup = {
  id: string;
  source: string;
  path: string;
  sizeBytes: number;
  transferred: boolean;
};

/**
 * Brings one snapshot here as a plain file. One that is here already with the same digest is left alone; one that is
 * damaged, or broke off, is fetched again.
 */
export async function pullBackup(
  client: ApiClient,
  run: BackupView,
  folder: string,
  signal: AbortSignal,
): Promise<PulledBackup> {
  const { snapshot } = run;
  if (!snapshot || run.forgottenAt !== undefined)
    throw new PlatformError("CLI_NOT_FOUND", `${run.id} has no snapshot any more`);
  const { stack, environment } = run.scope;
  const place = join(folder, stack, environment, run.source);
  const stamp = new Date(snapshot.takenAt).toISOString().slice(0, 19).replaceAll(":", "");
  const path = join(place, `${stamp}Z-${run.id}.${endings[run.kind]}`);
  const pulled = { id: run.id, source: run.source, path, sizeBytes: snapshot.sizeBytes };
  if ((await digestOf(path)) === snapshot.sha256) return { ...pulled, transferred: false };
  await mkdir(place, { recursive: true, mode: 0o700 });
  const part = `${path}.part`;
  try {
    const digest = await fetchInto(part, { client, id: run.id, signal });
    if (digest !== snapshot.sha256)
      throw new PlatformError("CLI_FAILED", `${run.id} came with other bytes than it was stored with`, {
        hint: `Look at it: roadstead backup verify ${run.id}`,
      });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return { ...pulled, transferred: true };
}

async function fetchInto(
  path: string,
  { client, id, signal }: { client: ApiClient; id: string; signal: AbortSignal },
): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "w", 0o600);
  let whole = false;
  try {
    for await (const item of client.backups.content({ params: { id }, signal })) {
      if ("end" in item) {
        whole = true;
        break;
      }
      const bytes = Buffer.from(item.bytes, "base64");
      hash.update(bytes);
      await file.write(bytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (!whole)
    throw new PlatformError("CLI_FAILED", `the transfer of ${id} broke off`, { hint: "Ask again." });
  return hash.digest("hex");
}

async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}
