import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "../../lib/bytes.ts";
import type { Finding } from "../../policy/scan-findings.ts";
import { describeFinding, type JudgedFinding, judgeScan } from "../../policy/scan-verdict.ts";
import { readWaivers, type Waiver } from "../../policy/scan-waivers.ts";
import { judgeSize } from "../../policy/size-budget.ts";
import type { ContentScanner, ImageReport, VulnerabilityScanner } from "../../scan/port.ts";
import { DeliveryError } from "../errors.ts";
import { type GateSettings, gateSettings } from "../gate-settings.ts";
import { pendingMigrations } from "../pending-migrations.ts";
import type { Phase, PhaseOutcome, RunWorld } from "../phase.ts";
import { lastScan, type ScannedImage, saveScan } from "../scan-book.ts";

/** Exceptions that are committed with what they except. */
export const allowFile = ".roadstead-allow";
const shownLines = 40;

export type Scanners = { content: ContentScanner; vulnerabilities: VulnerabilityScanner };

/** Before anything of a commit runs anywhere: no secret in it or its images, no known hole, no image beyond its budget. */
export function scanPhase(load: () => Promise<Scanners>): Phase {
  return {
    name: "scan",
    async run(world) {
      return await new ScanRun(world, await load(), await gateSettings(world)).run();
    },
  };
}

class ScanRun {
  readonly #world: RunWorld;
  readonly #scanners: Scanners;
  readonly #settings: GateSettings;
  readonly #findings: Finding[] = [];
  readonly #notes: string[] = [];
  readonly #images: ScannedImage[] = [];

  constructor(world: RunWorld, scanners: Scanners, settings: GateSettings) {
    this.#world = world;
    this.#scanners = scanners;
    this.#settings = settings;
  }

  async run(): Promise<PhaseOutcome> {
    const { signal, parts, run } = this.#world;
    const folder = await this.#world.folder();
    const repository = await this.#scanners.content.scanFolder(folder, signal);
    this.#findings.push(...repository.findings);
    for (const gap of repository.gaps) this.#note(`repository: ${gap}`);
    this.#findings.push(...(await pendingMigrations(this.#world)));
    const known = new Map((lastScan(parts.store, run.scope)?.images ?? []).map((one) => [one.digest, one]));
    for (const [service, { digest, reference }] of this.#built())
      await this.#image({ service, digest, reference }, known.get(digest));
    const waivers = await this.#waivers(folder);
    const { threshold } = this.#settings;
    const judged = judgeScan(this.#findings, { threshold, waivers }, parts.clock.now());
    // What is only looked at is nothing of the environment's.
    if (!run.checksOnly) this.#keep(judged);
    return this.#verdict(judged, repository.files);
  }

  /** One service for each image. */
  #built() {
    const all = Object.entries(this.#world.run.images ?? {});
    return [...new Map(all.map((entry) => [entry[1].digest, entry])).values()];
  }

  async #image(
    image: { service: string; digest: string; reference: string },
    known: ScannedImage | undefined,
  ): Promise<void> {
    const { parts, signal } = this.#world;
    const { service, digest } = image;
    const archive = () => parts.runtime.exportImage?.(image, signal);
    // What was looked at once is the same for ever; vulnerabilities become known later.
    const report = known?.report ?? (await this.#look(service, archive));
    if (!report) {
      this.#note(
        `the ${parts.runtime.name} runtime has no image layers: ${service} is looked at as the repository`,
      );
      return;
    }
    this.#images.push({ service, digest, report });
    this.#findings.push(...report.findings);
    for (const gap of report.gaps) this.#note(`image ${service}: ${gap}`);
    this.#budgets(digest, report.bytes);
    await this.#vulnerabilities(service, archive);
  }

  async #look(service: string, archive: () => ImageArchive): Promise<ImageReport | undefined> {
    const stream = await archive();
    return stream && (await this.#scanners.content.scanImage(service, stream, this.#world.signal));
  }

  /** Services may share an image and differ in what they allow it. */
  #budgets(digest: string, bytes: number): void {
    for (const [service, image] of Object.entries(this.#world.run.images ?? {})) {
      const budget = this.#settings.budgets[service];
      if (image.digest !== digest || budget === undefined) continue;
      const finding = judgeSize(service, bytes, budget);
      if (finding) this.#findings.push(finding);
    }
  }

  async #vulnerabilities(service: string, archive: () => ImageArchive): Promise<void> {
    const { vulnerabilities } = this.#scanners;
    const { signal } = this.#world;
    if ((await vulnerabilities.version(signal)) === undefined) {
      const missing = "no vulnerability scanner on this host";
      if (this.#settings.scannerRequired)
        throw new DeliveryError("DELIVERY_SCANNER_MISSING", `${missing}, and the stack requires one`);
      this.#note(`${missing}: known vulnerabilities were not looked for`);
      return;
    }
    const stream = await archive();
    if (stream) this.#findings.push(...(await vulnerabilities.scan(service, stream, signal)));
  }

  async #waivers(folder: string): Promise<readonly Waiver[]> {
    const text = await readFile(join(folder, allowFile), "utf8").catch(() => "");
    const { waivers, mistakes } = readWaivers(text);
    for (const { line, message } of mistakes) this.#note(`${allowFile}:${line}: ${message}`);
    return waivers;
  }

  #note(line: string): void {
    if (this.#notes.includes(line)) return;
    this.#notes.push(line);
    this.#world.say(`• ${line}`);
  }

  #keep(judged: readonly JudgedFinding[]): void {
    const { parts, run } = this.#world;
    const at = parts.clock.now();
    saveScan(parts.store, run.scope, {
      run: run.id,
      commit: run.commit,
      at,
      findings: judged,
      notes: this.#notes,
      images: this.#images,
    });
  }

  #verdict(judged: readonly JudgedFinding[], files: number): PhaseOutcome {
    const { say } = this.#world;
    const of = (wanted: JudgedFinding["verdict"]) => judged.filter(({ verdict }) => verdict === wanted);
    const [blocked, warnings, waived] = [of("blocked"), of("warning"), of("waived")];
    for (const one of [...warnings, ...waived].slice(0, shownLines)) say(lineOf(one));
    for (const one of blocked.slice(0, shownLines)) say(lineOf(one));
    if (blocked.length > 0) {
      const [first] = blocked;
      const more = blocked.length === 1 ? "" : ` and ${blocked.length - 1} more`;
      const message = `${first ? describeFinding(first.finding) : ""}${more}`;
      throw new DeliveryError("DELIVERY_SCAN_BLOCKED", message, {
        lastLines: blocked.slice(0, shownLines).map(lineOf),
      });
    }
    const images = this.#images.map(({ service, report }) => `${service} ${formatBytes(report.bytes)}`);
    const parts = [
      `${files} files${images.length === 0 ? "" : `, ${images.join(", ")}`}`,
      ...(warnings.length === 0
        ? []
        : [`${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"}`]),
      ...(waived.length === 0 ? [] : [`${waived.length} allowed`]),
    ];
    return { kind: "done", detail: [parts.join("; "), ...this.#notes].join("; ") };
  }
}

type ImageArchive = Promise<AsyncIterable<Uint8Array> | undefined> | undefined;

function lineOf({ finding, verdict, note }: JudgedFinding): string {
  const mark = { blocked: "✗", warning: "!", waived: "○" }[verdict];
  return `${mark} ${describeFinding(finding)}${note === undefined ? "" : ` (${note})`}`;
}
