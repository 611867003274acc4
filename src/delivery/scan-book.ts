import type { JudgedFinding } from "../policy/scan-verdict.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { ImageReport } from "../scan/port.ts";
import type { Store } from "../store/port.ts";
import type { RunId } from "./run.ts";

const collection = "scans";

/** What the last look at a stack found, and what each image had in it. */
export type ScanRecord = {
  run: RunId;
  commit: string;
  at: number;
  findings: readonly JudgedFinding[];
  /** What was not looked at, and why. */
  notes: readonly string[];
  images: readonly ScannedImage[];
};

export type ScannedImage = { service: string; digest: string; report: ImageReport };

export function lastScan(store: Store, scope: Scope): ScanRecord | undefined {
  return store.records.get<ScanRecord>(collection, scopeKey(scope));
}

/** Replaces the one before: what was found is also among the lines of its run. */
export function saveScan(store: Store, scope: Scope, record: ScanRecord): void {
  store.records.put(collection, scopeKey(scope), record);
}
