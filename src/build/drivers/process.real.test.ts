import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { aJob, aStep } from "../../pipeline/pipeline-support.ts";
import { describeJobRunner } from "../conformance.ts";
import { workFolder } from "../workspace.ts";
import { jobProcesses } from "./process/job-processes.ts";
import { ProcessJobRunner } from "./process.ts";

const programs = [dirname(process.execPath)];

describeJobRunner("process", {
  open: (folder) => new ProcessJobRunner({ folder, programs }),
  program: (folder) => [process.execPath, join(import.meta.dirname, "run-job-support.ts"), "process", folder],
  left: async (folder) => jobProcesses(workFolder(folder)).map(String),
});

describe("jobs as processes", () => {
  it("run at low priority (R-058)", async () => {
    const folder = mkdtempSync(join(tmpdir(), "roadstead-jobs-"));
    const lines: string[] = [];
    const job = aJob("test", { steps: [aStep("one", { run: "sleep 0.1; nice" })] });
    const spec = { id: "run-1", job, source: import.meta.dirname, env: {}, secrets: {}, cacheKey: "shop" };
    const runner = new ProcessJobRunner({ folder, programs });
    await runner.run(spec, (line) => lines.push(line), new AbortController().signal);
    rmSync(folder, { recursive: true, force: true });
    expect(lines).toContain("10");
  });
});
