import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { judgeScan } from "../../policy/scan-verdict.ts";
import { readWaivers } from "../../policy/scan-waivers.ts";
import { TrivyScanner } from "./trivy.ts";
import { readTrivyReport } from "./trivy-report.ts";

const fixture = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../../test/fixtures/scan", `${name}.json`), "utf8");
const signal = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), "roadstead-trivy-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a report of trivy (R-068)", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const judged = (allow: string) =>
    judgeScan(
      readTrivyReport("web", fixture("trivy-one-high")),
      {
        threshold: "HIGH",
        waivers: readWaivers(allow).waivers,
      },
      now,
    ).map(({ finding, verdict }) => `${"id" in finding ? finding.id : ""} ${verdict}`);

  it("one HIGH is blocked, an exception lets it pass, one that ran out does not", () => {
    const rest = ["CVE-2023-42363 warning", "CVE-2024-4067 warning"];
    expect(judged("").sort()).toEqual([rest[0], "CVE-2024-21538 blocked", rest[1]]);
    expect(judged("vulnerability CVE-2024-21538 until 2026-12-31 # build time only")).toContain(
      "CVE-2024-21538 waived",
    );
    expect(judged("vulnerability CVE-2024-21538 until 2026-10-31 # build time only")).toContain(
      "CVE-2024-21538 blocked",
    );
  });

  it("reads what is installed and what would mend it", () => {
    expect(readTrivyReport("web", fixture("trivy-one-high"))).toContainEqual({
      kind: "vulnerability",
      id: "CVE-2024-21538",
      severity: "HIGH",
      package: "cross-spawn",
      installed: "7.0.3",
      fixed: "7.0.5, 6.0.6",
      image: "web",
    });
    expect(readTrivyReport("web", fixture("trivy-clean"))).toEqual([]);
  });

  it.each(["", "trivy: error", "{}", '{"SchemaVersion":3}'])(
    "refuses %j: silence must not look like health",
    (text) => {
      expect(() => readTrivyReport("web", text)).toThrow(
        expect.objectContaining({ code: "SCAN_REPORT_UNREADABLE" }),
      );
    },
  );
});

describe("the trivy program", () => {
  const program = (text: string) => {
    const path = join(folder, "trivy");
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    return new TrivyScanner({ program: path, cacheFolder: folder, now: () => 0 });
  };
  async function* archive() {
    yield Buffer.from("layers");
  }

  it("is absent where it is not installed", async () => {
    const scanner = new TrivyScanner({ program: join(folder, "none"), cacheFolder: folder, now: () => 0 });
    expect(await scanner.version(signal)).toBeUndefined();
  });

  it("gets the archive as a file and its report is read", async () => {
    const report = join(import.meta.dirname, "../../../test/fixtures/scan/trivy-one-high.json");
    const scanner = program(
      `#!/bin/sh\n[ "$1" = --version ] && echo "Version: 0.57.1" && exit 0\n[ "$(cat "$3")" = layers ] || exit 9\ncp ${report} "$7"\n`,
    );
    expect(await scanner.version(signal)).toBe("0.57.1");
    expect(await scanner.scan("web", archive(), signal)).toHaveLength(3);
  });

  it("a failure of its own is no clean image", async () => {
    const scanner = program('#!/bin/sh\necho "no database" >&2\nexit 1\n');
    await expect(scanner.scan("web", archive(), signal)).rejects.toMatchObject({
      code: "SCAN_FAILED",
      message: "trivy ended with exit code 1: no database",
    });
  });
});
