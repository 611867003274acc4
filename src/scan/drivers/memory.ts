import type { VulnerabilityFinding } from "../../policy/scan-findings.ts";
import type { VulnerabilityScanner } from "../port.ts";

/** Knows what it was told, for tests; absent until it is installed. */
export class MemoryVulnerabilities implements VulnerabilityScanner {
  readonly name = "memory";
  installed = false;
  readonly found = new Map<string, readonly VulnerabilityFinding[]>();

  async version(): Promise<string | undefined> {
    return this.installed ? "1" : undefined;
  }

  async scan(image: string, archive: AsyncIterable<Uint8Array>): Promise<VulnerabilityFinding[]> {
    for await (const piece of archive) if (piece.length === 0) break;
    return [...(this.found.get(image) ?? [])];
  }
}
