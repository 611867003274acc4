import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The product as a user runs it: the CLI as a child process, a control plane and an edge of its own in a fresh home. */
export type PlatformOptions = { runtime: "process" | "docker"; edge: "embedded" | "haproxy" };

export type CliOutcome = { exitCode: number; stdout: string; stderr: string };

export const root = join(import.meta.dirname, "..", "..");
export const trio = join(root, "test/fixtures/apps/trio");

export class Platform {
  readonly home: string;
  readonly options: PlatformOptions;
  readonly api: number;
  readonly http: number;
  readonly https: number;

  private constructor(options: PlatformOptions, home: string, ports: readonly [number, number, number]) {
    this.options = options;
    this.home = home;
    [this.api, this.http, this.https] = ports;
  }

  static async start(options: PlatformOptions): Promise<Platform> {
    // Database servers run as another user than root: the folder must let them pass.
    const home = mkdtempSync(join(tmpdir(), "roadstead-e2e-"));
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const platform = new Platform(options, home, ports);
    await platform.up();
    return platform;
  }

  async up(): Promise<void> {
    const { runtime, edge } = this.options;
    const at = (port: number) => `127.0.0.1:${port}`;
    const addresses = ["--api", at(this.api), "--http", at(this.http), "--https", at(this.https)];
    await this.ok(["up", "--runtime", runtime, "--edge", edge, ...addresses]);
  }

  /** Runs the CLI; never throws for an exit code. */
  cli(args: readonly string[], env: Record<string, string> = {}, cwd = root): Promise<CliOutcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [join(root, "bin/cli.ts"), "--home", this.home, ...args], {
        cwd,
        env: { ...process.env, NO_COLOR: "1", ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const outcome = { stdout: "", stderr: "" };
      child.stdout.on("data", (chunk) => {
        outcome.stdout += chunk;
      });
      child.stderr.on("data", (chunk) => {
        outcome.stderr += chunk;
      });
      child.on("error", reject);
      child.on("close", (code) => resolve({ exitCode: code ?? 128, ...outcome }));
    });
  }

  /** Runs the CLI and insists on exit code 0. */
  async ok(args: readonly string[], env: Record<string, string> = {}): Promise<CliOutcome> {
    const outcome = await this.cli(args, env);
    if (outcome.exitCode !== 0)
      throw new Error(
        `roadstead ${args.join(" ")} exited ${outcome.exitCode}\n${outcome.stdout}\n${outcome.stderr}\n${this.logTail()}`,
      );
    return outcome;
  }

  async json<T>(args: readonly string[], env: Record<string, string> = {}): Promise<T> {
    return JSON.parse((await this.ok([...args, "--json"], env)).stdout) as T;
  }

  deployTrio(env: Record<string, string>, more: readonly string[] = []): Promise<CliOutcome> {
    return this.cli(["deploy", "-f", join(trio, "compose.yaml"), ...more], env);
  }

  logTail(): string {
    try {
      return readFileSync(join(this.home, "control-plane.log"), "utf8").split("\n").slice(-30).join("\n");
    } catch {
      return "(no control plane log)";
    }
  }

  async stop(): Promise<void> {
    const outcome = await this.cli(["down", "--all", "--platform", "--volumes", "--yes"]);
    if (outcome.exitCode !== 0)
      throw new Error(`cannot stop the platform: ${outcome.stderr}\n${this.logTail()}`);
    rmSync(this.home, { recursive: true, force: true });
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
