import type { MigrationIssue } from "./migration-check.ts";

/** What a look at a repository and its images can find. */
export type Finding = SecretFinding | FileFinding | VulnerabilityFinding | SizeFinding | MigrationFinding;

export type SecretFinding = {
  kind: "secret";
  /** Which pattern, e.g. `github-token`. */
  rule: string;
  /** Relative to the repository, or inside the image; `environment` and `history` for an image's own settings. */
  path: string;
  line: number;
  /** Service whose image has it; absent: the repository. */
  image?: string;
  /** Somebody else's file, such as a test key that came with a dependency: told, never blocking. */
  vendored?: boolean;
  /** As written beside the line: until when it is allowed, epoch ms. */
  allowedUntil?: number;
};

export type FileFinding = {
  kind: "file";
  rule: "env-file" | "build-tool";
  path: string;
  image: string;
  vendored?: boolean;
};

export const severities = ["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"] as const;
export type Severity = (typeof severities)[number];

export type VulnerabilityFinding = {
  kind: "vulnerability";
  /** E.g. `CVE-2024-21538`. */
  id: string;
  severity: Severity;
  package: string;
  installed: string;
  fixed?: string;
  image: string;
};

export type SizeFinding = {
  kind: "size";
  image: string;
  bytes: number;
  maxBytes: number;
  over: "warn" | "fail";
};

/** SQL of a release job that the release which still serves would not survive. */
export type MigrationFinding = { kind: "migration" } & MigrationIssue;
