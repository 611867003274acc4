import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { SecretFinding } from "../../../policy/scan-findings.ts";
import type { FolderReport } from "../../port.ts";
import { isEnvFile, isLockFile, isVendored } from "./paths.ts";
import { scanText } from "./scan-text.ts";

const skipped = new Set([".git", "node_modules"]);
const maxFiles = 50_000;
/** Larger files are data; their beginning is still looked at. */
export const maxTextBytes = 1024 * 1024;
const maxFindings = 500;

/** Secrets in the files of a checkout. Symbolic links are not followed. */
export async function scanFolder(folder: string, signal: AbortSignal): Promise<FolderReport> {
  const findings: SecretFinding[] = [];
  const gaps: string[] = [];
  const folders = [""];
  let files = 0;
  for (let next = folders.shift(); next !== undefined; next = folders.shift()) {
    signal.throwIfAborted();
    const items = await readdir(join(folder, next), { withFileTypes: true });
    for (const item of items.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = next === "" ? item.name : `${next}/${item.name}`;
      if (item.isDirectory() && !skipped.has(item.name)) folders.push(path);
      if (!item.isFile() || isLockFile(path)) continue;
      files += 1;
      if (files > maxFiles || findings.length >= maxFindings) {
        gaps.push(
          files > maxFiles ? `only the first ${maxFiles} files` : `only the first ${maxFindings} findings`,
        );
        return { findings, files, gaps };
      }
      const text = await beginningOf(join(folder, path));
      if (text !== undefined) findings.push(...findingsIn(path, text));
    }
  }
  return { findings, files, gaps };
}

/** With what makes it a repository's or an image's finding. */
export function findingsIn(path: string, text: string, image?: string): SecretFinding[] {
  return scanText(text, { variables: isEnvFile(path) }).map((found) => ({
    kind: "secret",
    ...found,
    path,
    ...(image === undefined ? {} : { image }),
    ...(isVendored(path) ? { vendored: true } : {}),
  }));
}

/** Undefined for a binary file. */
export function textOf(bytes: Uint8Array): string | undefined {
  return bytes.subarray(0, 8_000).includes(0) ? undefined : Buffer.from(bytes).toString("utf8");
}

async function beginningOf(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(Math.min((await file.stat()).size, maxTextBytes));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return textOf(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
