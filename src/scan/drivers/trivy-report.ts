import { type Severity, severities, type VulnerabilityFinding } from "../../policy/scan-findings.ts";
import { scanError } from "../errors.ts";

/** The parts of Trivy's JSON report (schema 2) that are read. */
type Report = { SchemaVersion?: number; Results?: readonly Result[] | null };
type Result = { Vulnerabilities?: readonly Vulnerability[] | null };
type Vulnerability = {
  VulnerabilityID?: string;
  PkgName?: string;
  InstalledVersion?: string;
  FixedVersion?: string;
  Severity?: string;
};

/** Each vulnerability of a report once. A report in another form is refused: silence must not look like health. */
export function readTrivyReport(image: string, text: string): VulnerabilityFinding[] {
  const report = parsed(text);
  if (report.SchemaVersion !== 2)
    throw scanError(
      "SCAN_REPORT_UNREADABLE",
      `trivy wrote a report of schema ${report.SchemaVersion ?? "unknown"}`,
    );
  const all = (report.Results ?? []).flatMap((result) => result.Vulnerabilities ?? []);
  const found = all.map((one) => toFinding(image, one));
  return [...new Map(found.map((one) => [`${one.id} ${one.package} ${one.installed}`, one])).values()];
}

function toFinding(image: string, one: Vulnerability): VulnerabilityFinding {
  const { VulnerabilityID: id, PkgName: name } = one;
  if (id === undefined || name === undefined)
    throw scanError("SCAN_REPORT_UNREADABLE", "trivy's report has an entry without an id or a package");
  return {
    kind: "vulnerability",
    id,
    severity: severityOf(one.Severity),
    package: name,
    installed: one.InstalledVersion ?? "",
    ...(one.FixedVersion ? { fixed: one.FixedVersion } : {}),
    image,
  };
}

function severityOf(text: string | undefined): Severity {
  return severities.find((severity) => severity === text?.toUpperCase()) ?? "UNKNOWN";
}

function parsed(text: string): Report {
  try {
    const report: unknown = JSON.parse(text);
    if (typeof report === "object" && report !== null) return report as Report;
  } catch (cause) {
    throw scanError("SCAN_REPORT_UNREADABLE", "trivy did not write JSON", { cause });
  }
  throw scanError("SCAN_REPORT_UNREADABLE", "trivy did not write a report");
}
