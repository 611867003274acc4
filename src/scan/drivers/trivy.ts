import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { hasCode } from "../../lib/platform-error.ts";
import { run } from "../../lib/run.ts";
import type { VulnerabilityFinding } from "../../policy/scan-findings.ts";
import { scanError } from "../errors.ts";
import type { VulnerabilityScanner } from "../port.ts";
import { readTrivyReport } from "./trivy-report.ts";

const quickMs = 10_000;
/** The first scan of a host also fetches the database. */
const scanMs = 10 * 60_000;
/** A newly installed program is found without a restart. */
const askAgainMs = 60_000;

export type TrivyOptions = {
  /** @default "trivy" */
  program?: string;
  /** Keeps its database. */
  cacheFolder: string;
  now: () => number;
};

/** The `trivy` program of this host, on the image's archive: it needs no access to the engine. */
export class TrivyScanner implements VulnerabilityScanner {
  readonly name = "trivy";
  readonly #options: TrivyOptions;
  #known: { at: number; version: string | undefined } | undefined;

  constructor(options: TrivyOptions) {
    this.#options = options;
  }

  async version(signal: AbortSignal): Promise<string | undefined> {
    const now = this.#options.now();
    if (this.#known && now - this.#known.at < askAgainMs) return this.#known.version;
    this.#known = { at: now, version: await this.#ask(signal) };
    return this.#known.version;
  }

  async #ask(signal: AbortSignal): Promise<string | undefined> {
    try {
      const outcome = await run([this.#program, "--version"], { timeoutMs: quickMs, signal });
      return /Version:\s*(\S+)/.exec(outcome.stdout)?.[1] ?? outcome.stdout.trim().split("\n")[0];
    } catch (error) {
      if (hasCode(error, "RUN_FAILED") && !signal.aborted) return undefined;
      throw error;
    }
  }

  async scan(
    image: string,
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<VulnerabilityFinding[]> {
    const folder = await mkdtemp(join(tmpdir(), "roadstead-trivy-"));
    const [input, output] = [join(folder, "image.tar"), join(folder, "report.json")];
    try {
      await pipeline(archive, createWriteStream(input, { mode: 0o600 }), { signal });
      const { cacheFolder } = this.#options;
      const argv = ["image", "--input", input, "--format", "json", "--output", output, "--scanners", "vuln"];
      const quiet = ["--quiet", "--no-progress", "--cache-dir", cacheFolder];
      const outcome = await run([this.#program, ...argv, ...quiet], { timeoutMs: scanMs, signal });
      if (outcome.exitCode !== 0) {
        const said = outcome.stderr.trim().split("\n").at(-1) ?? "";
        throw scanError("SCAN_FAILED", `trivy ended with exit code ${outcome.exitCode}: ${said}`);
      }
      return readTrivyReport(image, await readFile(output, "utf8"));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  get #program(): string {
    return this.#options.program ?? "trivy";
  }
}
