import { randomBytes } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";
import type { JobOutcome, JobSpec } from "../../port.ts";
import type { Launch } from "./launch.ts";
import { findByMark } from "./process-table.ts";
import { startVariable } from "./replica-records.ts";
import { lineSplitter, runChild, sendSignal } from "./run-child.ts";

/** Enough to see why a migration failed. */
const keptLines = 20;

/**
 * Runs jobs as children. A file per running job says which processes belong to it: a control plane that died during
 * a job ends what is left of it when it comes back, so that no job runs twice at once.
 */
export class Jobs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async run(
    spec: JobSpec,
    launch: Launch,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<JobOutcome> {
    const startMark = randomBytes(12).toString("hex");
    const note = join(this.#folder, `${spec.jobId}.json`);
    await writeFileAtomic(note, JSON.stringify({ startMark }));
    const lastLines: string[] = [];
    const hear = (line: string) => {
      lastLines.push(line);
      if (lastLines.length > keptLines) lastLines.shift();
      onLine(line);
    };
    const [stdout, stderr] = [lineSplitter(hear), lineSplitter(hear)];
    try {
      const { exitCode, timedOut } = await runChild(launch.argv, {
        cwd: launch.cwd,
        env: { ...launch.env, [startVariable]: startMark },
        ...(launch.runAs === undefined ? {} : { runAs: launch.runAs }),
        timeoutMs: spec.timeoutSeconds * 1000,
        signal,
        onStdout: stdout.push,
        onStderr: stderr.push,
      });
      stdout.end();
      stderr.end();
      return { exitCode, timedOut, oomKilled: false, lastLines };
    } finally {
      await rm(note, { force: true });
    }
  }

  /** Ends jobs of an earlier control plane; returns their ids. */
  async endLeftovers(): Promise<string[]> {
    const ended: string[] = [];
    for (const name of await readdir(this.#folder)) {
      if (!name.endsWith(".json")) continue;
      const { startMark } = JSON.parse(await readFile(join(this.#folder, name), "utf8")) as {
        startMark: string;
      };
      for (const pid of findByMark(startVariable, startMark)) sendSignal(pid, "SIGKILL");
      await rm(join(this.#folder, name), { force: true });
      ended.push(name.slice(0, -".json".length));
    }
    return ended;
  }
}
