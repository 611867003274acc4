import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.ts";

/** What `up` started, kept in `<home>/platform.json` so that later commands find it and `down --platform` can end it. */
export type PlatformRecord = {
  pid: number;
  runtime: string;
  edge: string;
  http: string;
  https: string;
  api: string;
  /** Where our own registry listens; absent: there is none. */
  registry?: string;
  /** Separated by commas; absent: none. */
  "allow-host"?: string;
  startedAt: number;
};

export function readPlatformRecord(home: string): PlatformRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(home, "platform.json"), "utf8"));
    return isPlatformRecord(value) ? value : undefined;
  } catch {
    // Never started here, or half a file of an older version: both mean that nothing is known.
    return undefined;
  }
}

export async function writePlatformRecord(home: string, record: PlatformRecord): Promise<void> {
  await writeFileAtomic(join(home, "platform.json"), `${JSON.stringify(record, null, 2)}\n`);
}

function isPlatformRecord(value: unknown): value is PlatformRecord {
  if (typeof value !== "object" || value === null) return false;
  const fields: Record<string, unknown> = { ...value };
  return (
    typeof fields["pid"] === "number" &&
    typeof fields["startedAt"] === "number" &&
    ["runtime", "edge", "http", "https", "api"].every((key) => typeof fields[key] === "string")
  );
}
