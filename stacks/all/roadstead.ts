import { spawn } from "node:child_process";
import { join } from "node:path";

export type Outcome = { exitCode: number; stdout: string; stderr: string };

const cli = join(import.meta.dirname, "../../bin/cli.ts");
const outputLimit = 4 * 1024 * 1024;

/** Runs the CLI on one home, as a person would; progress goes to `hear`, and an exit code is a result. */
export class Roadstead {
  readonly #home: string;
  readonly #hear: (text: string) => void;

  constructor(home: string, hear: (text: string) => void) {
    this.#home = home;
    this.#hear = hear;
  }

  run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [cli, "--home", this.#home, ...args], {
        env: { ...process.env, ...environment },
        stdio: ["ignore", "pipe", "pipe"],
        timeout: 20 * 60_000,
      });
      const outcome = { stdout: "", stderr: "" };
      child.stdout.on("data", (chunk: Buffer) => {
        outcome.stdout = (outcome.stdout + chunk).slice(-outputLimit);
      });
      child.stderr.on("data", (chunk: Buffer) => {
        outcome.stderr = (outcome.stderr + chunk).slice(-outputLimit);
        this.#hear(String(chunk));
      });
      child.on("error", reject);
      child.on("close", (code) => resolve({ exitCode: code ?? 128, ...outcome }));
    });
  }

  async ok(args: readonly string[]): Promise<Outcome> {
    const outcome = await this.run(args);
    if (outcome.exitCode !== 0)
      throw new Error(
        `roadstead ${args.join(" ")} ended with exit code ${outcome.exitCode}\n${outcome.stderr}`,
      );
    return outcome;
  }

  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse((await this.ok([...args, "--json"])).stdout) as T;
  }
}
