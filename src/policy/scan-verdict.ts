import { formatBytes } from "../lib/bytes.ts";
import type { MigrationRule } from "./migration-check.ts";
import { type Finding, type Severity, severities } from "./scan-findings.ts";
import { names, type Waiver } from "./scan-waivers.ts";

export type ScanPolicy = {
  /** Vulnerabilities below are told and do not block. */
  threshold: Severity;
  waivers: readonly Waiver[];
};

export type JudgedFinding = {
  finding: Finding;
  verdict: "blocked" | "warning" | "waived";
  /** Of an exception that holds, or that has run out. */
  note?: string;
};

/** What of the findings stops a run: everything serious that no exception covers today. */
export function judgeScan(findings: readonly Finding[], policy: ScanPolicy, now: number): JudgedFinding[] {
  return findings.map((finding) => judge(finding, policy, now));
}

function judge(finding: Finding, policy: ScanPolicy, now: number): JudgedFinding {
  if (!isSerious(finding, policy.threshold)) return { finding, verdict: "warning" };
  const exceptions = exceptionsFor(finding, policy.waivers);
  const holding = exceptions.find(({ until }) => now < until);
  if (holding)
    return { finding, verdict: "waived", note: `until ${lastDay(holding.until)}: ${holding.reason}` };
  const newest = exceptions.toSorted((a, b) => b.until - a.until)[0];
  return newest === undefined
    ? { finding, verdict: "blocked" }
    : { finding, verdict: "blocked", note: `its exception ran out on ${lastDay(newest.until)}` };
}

function isSerious(finding: Finding, threshold: Severity): boolean {
  switch (finding.kind) {
    case "secret":
      return !finding.vendored;
    case "file":
      return finding.rule === "env-file" && !finding.vendored;
    case "vulnerability":
      return severities.indexOf(finding.severity) >= severities.indexOf(threshold);
    case "size":
      return finding.over === "fail";
    case "migration":
      return finding.blocks;
  }
}

function exceptionsFor(finding: Finding, waivers: readonly Waiver[]): { until: number; reason: string }[] {
  const own =
    finding.kind === "secret" && finding.allowedUntil !== undefined
      ? [{ until: finding.allowedUntil, reason: "allowed beside the line" }]
      : [];
  const subject = subjectOf(finding);
  return [...own, ...waivers.filter(({ kind, what }) => kind === finding.kind && names(what, subject))];
}

/** By what an exception names it. */
function subjectOf(finding: Finding): string {
  switch (finding.kind) {
    case "secret":
    case "file":
    case "migration":
      return finding.path;
    case "vulnerability":
      return finding.id;
    case "size":
      return finding.image;
  }
}

function lastDay(until: number): string {
  return new Date(until - 1).toISOString().slice(0, 10);
}

const migrationWords: Readonly<Record<MigrationRule, string>> = {
  drop: "the release that serves may still use it",
  rename: "the release that serves knows it by its old name",
  "not-null": "the release that serves may write it empty",
  "type-change": "the release that serves may write what no longer fits",
  "index-lock": "writes wait while it is made; CONCURRENTLY does not lock",
};

/** One line for people; never the secret itself. */
export function describeFinding(finding: Finding): string {
  switch (finding.kind) {
    case "secret": {
      const where = finding.image === undefined ? "" : `image ${finding.image}: `;
      return `${where}${finding.path}:${finding.line}: ${finding.rule}`;
    }
    case "file":
      return `image ${finding.image}: ${finding.path}: ${finding.rule}`;
    case "vulnerability": {
      const fix = finding.fixed === undefined ? "no fix yet" : `fixed in ${finding.fixed}`;
      return `image ${finding.image}: ${finding.id} ${finding.severity} in ${finding.package} ${finding.installed}, ${fix}`;
    }
    case "migration":
      return `${finding.path}:${finding.line}: ${migrationWords[finding.rule]}: ${finding.what}`;
    case "size":
      return `image ${finding.image}: ${formatBytes(finding.bytes)}, its budget is ${formatBytes(finding.maxBytes)}`;
  }
}
