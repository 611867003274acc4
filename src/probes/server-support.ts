import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ReleaseId, type Revision, replicaId, type Scope } from "../rollout/ids.ts";
import { ProcessRuntime } from "../runtime/drivers/process.ts";
import type { ComposeService } from "../stack/compose-model.ts";
import type { Probe } from "../stack/stack.ts";

const scope: Scope = { stack: "probed", environment: "test" };
const signal = AbortSignal.timeout(600_000);
const timing = { intervalSeconds: 1, timeoutSeconds: 5, retries: 3, startPeriodSeconds: 0 };

/** Real database servers of this machine, as a stack without containers has them. */
export class Servers {
  readonly #home: string;
  readonly #runtime: ProcessRuntime;

  private constructor(home: string) {
    this.#home = home;
    this.#runtime = new ProcessRuntime({ home });
  }

  static async open(): Promise<Servers> {
    const home = await mkdtemp(join(tmpdir(), "roadstead-probed-"));
    await chmod(home, 0o711);
    return new Servers(home);
  }

  /** Its address, once it answers. */
  async start(
    service: string,
    compose: ComposeService,
    options: { environment?: Record<string, string>; ready: string },
  ): Promise<{ host: string; port: number }> {
    const runtime = this.#runtime;
    const image = await runtime.ensureImage({ scope, service, compose }, () => undefined, signal);
    const addresses = await runtime.ensureResources(
      { scope, networks: {}, volumes: {}, services: [{ service, addressing: "direct", networks: [] }] },
      signal,
    );
    const id = replicaId(scope, service, "aaaaaaaaaa" as Revision, 0);
    const ports = image.exposedPorts.map((port) => ({ port, protocol: "tcp" as const }));
    await runtime.startReplica(
      {
        ...{ id, scope, service, revision: "aaaaaaaaaa" as Revision, ordinal: 0 },
        ...{ release: "rel_1" as ReleaseId, image, compose, addresses, ports, networks: {}, volumes: {} },
        ...{ files: [], addressing: "direct", environment: options.environment ?? {} },
      },
      signal,
    );
    const probe: Probe = { kind: "exec", argv: [options.ready], shell: true, ...timing };
    for (let waited = 0; ; waited += 1) {
      const { ok } = await runtime.probe(id, probe, signal);
      if (ok) break;
      if (waited > 300) throw new Error(`${service} does not become ready`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const replica = (await runtime.observe(scope, signal)).find((one) => one.id === id);
    const port = ports[0]?.port ?? 0;
    return { host: replica?.host ?? "", port: replica?.portMap[port] ?? port };
  }

  async close(): Promise<void> {
    for (const { id } of await this.#runtime.observe("all", signal))
      await this.#runtime.removeReplica(id, signal);
    await this.#runtime.removeResources(scope, { volumes: true }, signal);
    await this.#runtime.close();
    await rm(this.#home, { recursive: true, force: true });
  }
}

export type TestCertificate = { key: string; cert: string };

/** Of its own authority, for localhost and 127.0.0.1, two days long. */
export function makeTestCertificate(): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), "roadstead-cert-"));
  const [keyout, out] = [join(folder, "k"), join(folder, "c")];
  const argv = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync("openssl", [...argv, "-days", "2", ...names, "-keyout", keyout, "-out", out], {
    stdio: "ignore",
  });
  return { key: readFileSync(keyout, "utf8"), cert: readFileSync(out, "utf8") };
}
