import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { type BackupErrorCode, backupError } from "../../errors.ts";

/** Of its messages the end says why it failed. */
const keptErrorCharacters = 4_000;
/** Listing a large repository is its longest quiet work. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** To remove its lock, which may lie on the other side of a network. */
const interruptLimitMs = 10_000;

export type ResticPlace = {
  program: string;
  /** As restic writes them: a folder, or `s3:https://host/bucket/path`. */
  location: string;
  password: string;
  /** Credentials of the place, by the names that restic reads, e.g. AWS_ACCESS_KEY_ID. */
  credentials: Readonly<Record<string, string>>;
  cacheFolder: string;
};

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** One run of restic. Password and credentials go by its environment: arguments can be seen by everybody. */
export class ResticRun {
  readonly child: Child;
  readonly #ended: Promise<number>;
  #errors = "";

  constructor(place: ResticPlace, args: readonly string[], signal: AbortSignal) {
    const remote = place.location.startsWith("s3:");
    const cache = remote ? ["--cache-dir", place.cacheFolder, "--cleanup-cache"] : ["--no-cache"];
    this.child = spawn(place.program, ["--repo", place.location, ...cache, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: place.cacheFolder,
        RESTIC_PASSWORD: place.password,
        ...place.credentials,
      },
    });
    this.child.stdin.on("error", () => this.child.stdin.destroy());
    this.child.stderr.setEncoding("utf8");
    this.child.stderr.on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-keptErrorCharacters);
    });
    const stop = () => this.kill();
    signal.addEventListener("abort", stop, { once: true });
    this.#ended = once(this.child, "close").then(
      ([code]: unknown[]) => (typeof code === "number" ? code : 130),
      (cause: unknown) => {
        throw backupError("BACKUP_TOOL_MISSING", `cannot run ${place.program}`, { cause });
      },
    );
    this.#ended.catch(() => undefined).finally(() => signal.removeEventListener("abort", stop));
  }

  /** Restic gives up its lock at an interrupt, and saves nothing. */
  kill(): void {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGINT");
    const last = setTimeout(() => this.child.kill("SIGKILL"), interruptLimitMs);
    this.child.once("close", () => clearTimeout(last));
  }

  /** Resolves when it ended well; else throws what it said. */
  async end(): Promise<void> {
    const code = await this.#ended;
    if (code !== 0) throw failureOf(this.#errors, code);
  }

  /** All that it prints. */
  async text(): Promise<string> {
    this.child.stdin.end();
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.child.stdout as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > maxAnswerBytes) {
        this.kill();
        throw backupError("BACKUP_REPOSITORY_DAMAGED", `restic answered more than ${maxAnswerBytes} bytes`);
      }
      chunks.push(chunk);
    }
    await this.end();
    return Buffer.concat(chunks).toString("utf8");
  }
}

const causes: readonly [RegExp, BackupErrorCode][] = [
  [/wrong password|no key found|ciphertext verification failed/i, "BACKUP_REPOSITORY_KEY"],
  [/no space left|disk quota exceeded|EDQUOT|QuotaExceeded|XMinioStorageFull/i, "BACKUP_REPOSITORY_FULL"],
  [/unable to create lock|already locked|lock was created at/i, "BACKUP_REPOSITORY_BUSY"],
  [/no matching ID found|no snapshot found/i, "BACKUP_SNAPSHOT_MISSING"],
  [
    /hash (?:does not match|mismatch)|invalid data returned|not in index|unexpected EOF|checking .* failed|data is too short|contains \d+ errors/i,
    "BACKUP_REPOSITORY_DAMAGED",
  ],
];

function failureOf(text: string, code: number): Error {
  const said = text.trim().split("\n").slice(-3).join(" ").slice(0, 500);
  const found = causes.find(([pattern]) => pattern.test(text))?.[1] ?? "BACKUP_REPOSITORY_UNREACHABLE";
  return backupError(found, said === "" ? `restic ended with exit code ${code}` : `restic: ${said}`);
}
