import { describe, expect, it } from "vitest";
import type { Finding } from "./scan-findings.ts";
import { describeFinding, judgeScan } from "./scan-verdict.ts";
import { readWaivers } from "./scan-waivers.ts";
import { judgeSize } from "./size-budget.ts";

const now = Date.parse("2026-11-21T12:00:00Z");
const high: Finding = {
  kind: "vulnerability",
  id: "CVE-2024-21538",
  severity: "HIGH",
  package: "cross-spawn",
  installed: "7.0.3",
  fixed: "7.0.5",
  image: "web",
};

function verdicts(findings: readonly Finding[], allowList = "", threshold = "HIGH" as const) {
  const { waivers, mistakes } = readWaivers(allowList);
  expect(mistakes).toEqual([]);
  return judgeScan(findings, { threshold, waivers }, now).map(({ verdict }) => verdict);
}

describe("the verdict on a scan", () => {
  it("one HIGH blocks, MEDIUM only warns (R-068)", () => {
    expect(verdicts([high])).toEqual(["blocked"]);
    expect(verdicts([{ ...high, severity: "MEDIUM" }])).toEqual(["warning"]);
    expect(verdicts([{ ...high, severity: "CRITICAL" }])).toEqual(["blocked"]);
  });

  it("an exception lets it pass to the end of its last day, and blocks after (R-068)", () => {
    expect(verdicts([high], "vulnerability CVE-2024-21538 until 2026-11-21 # no exposure")).toEqual([
      "waived",
    ]);
    expect(verdicts([high], "vulnerability CVE-2024-21538 until 2026-11-20 # no exposure")).toEqual([
      "blocked",
    ]);
    expect(verdicts([high], "vulnerability CVE-2024-99999 until 2027-01-01 # another")).toEqual(["blocked"]);
  });

  it("says which day an exception ran out", () => {
    const { waivers } = readWaivers("vulnerability CVE-2024-21538 until 2026-11-20 # no exposure");
    expect(judgeScan([high], { threshold: "HIGH", waivers }, now)[0]?.note).toBe(
      "its exception ran out on 2026-11-20",
    );
  });

  it("a secret blocks, one that came with a dependency warns, one allowed beside its line passes (R-105)", () => {
    const secret: Finding = { kind: "secret", rule: "github-token", path: "src/a.ts", line: 3 };
    expect(verdicts([secret])).toEqual(["blocked"]);
    expect(verdicts([{ ...secret, vendored: true }])).toEqual(["warning"]);
    expect(verdicts([{ ...secret, allowedUntil: now + 1 }])).toEqual(["waived"]);
    expect(verdicts([{ ...secret, allowedUntil: now - 1 }])).toEqual(["blocked"]);
    expect(verdicts([secret], "secret src/* until 2027-01-01 # throw-away")).toEqual(["waived"]);
    expect(describeFinding(secret)).toBe("src/a.ts:3: github-token");
  });

  it("an .env in an image blocks, a compiler warns (R-056, R-105)", () => {
    const file = { kind: "file" as const, path: "app/.env", image: "web" };
    expect(verdicts([{ ...file, rule: "env-file" }])).toEqual(["blocked"]);
    expect(verdicts([{ ...file, rule: "build-tool", path: "usr/bin/gcc" }])).toEqual(["warning"]);
  });

  it("an image over its budget warns, a quarter over fails (R-045)", () => {
    expect(judgeSize("web", 180, 180)).toBeUndefined();
    const over = judgeSize("web", 181, 180);
    const far = judgeSize("web", 226, 180);
    expect([over, far].map((finding) => finding?.over)).toEqual(["warn", "fail"]);
    expect(verdicts([over, far].flatMap((finding) => finding ?? []))).toEqual(["warning", "blocked"]);
  });

  it("a line without a day or a reason allows nothing and is named", () => {
    const { waivers, mistakes } = readWaivers(
      "# ours\nvulnerability CVE-1 # for ever\nsecret a until 2026-02-30 # no such day\nsecret b until 2027-01-01\n",
    );
    expect(waivers).toEqual([]);
    expect(mistakes.map(({ line }) => line)).toEqual([2, 3, 4]);
  });
});
