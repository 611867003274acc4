import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/platform-error.ts";
import { run } from "../../lib/run.ts";
import { RegistryError } from "../errors.ts";
import { ownUser } from "../own-login.ts";
import { basic } from "./http/token.ts";

const program = "docker-registry";
const readyLimitMs = 20_000;
const stopLimitMs = 15_000;
const collectLimitMs = 600_000;
const lookMs = 30_000;
const askLimitMs = 3000;
/** Over loopback and read by the registry at each request: a password of 192 random bits needs no more rounds. */
const bcryptCost = "05";

export type DistributionOptions = {
  /** A folder of its own: settings, password, and everything that is pushed. */
  folder: string;
  /** Loopback only: there is no TLS. */
  address: { host: string; port: number };
  log: (level: "info" | "warn" | "error", message: string) => void;
  clock?: Clock;
};

/**
 * The distribution registry as a process that outlives the control plane and is found again by the next one. One name
 * and one password, both in its folder; what is pushed lies there, too.
 */
export class DistributionServer {
  /** As it stands in names of images, e.g. `127.0.0.1:5500`. */
  readonly host: string;
  readonly #options: DistributionOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #busy: Promise<unknown> = Promise.resolve();
  #watch: Promise<void> | undefined;

  constructor(options: DistributionOptions) {
    const { host, port } = options.address;
    if (host !== "localhost" && !/^127(?:\.\d{1,3}){3}$/.test(host))
      throw new RegistryError(
        "REGISTRY_INSECURE",
        `the own registry listens on loopback only, not on ${host}: it has no TLS`,
      );
    this.host = `${host}:${port}`;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Starts it, or finds it running; then sees to it that it stays. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#alone(() => this.#ensure(signal));
    this.#watch ??= this.#keepUp();
  }

  /** Lets go of it; it goes on. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("the control plane stops"));
    await this.#watch;
    await this.#busy.catch(() => undefined);
  }

  /** Ends the process. */
  async end(): Promise<void> {
    await this.#alone(() => this.#end());
  }

  /** Frees the room of what no manifest names any more. The registry is away meanwhile: nothing may be pushed then. */
  async collectGarbage(signal: AbortSignal): Promise<void> {
    await this.#alone(async () => {
      await this.#end();
      try {
        const argv = [program, "garbage-collect", this.#path("config.yml")] as const;
        const outcome = await run([...argv], { timeoutMs: collectLimitMs, signal, maxOutput: 10_000 });
        if (outcome.exitCode !== 0)
          throw new RegistryError(
            "REGISTRY_FAILED",
            `${program} could not free room: ${lastLine(outcome.stderr)}`,
          );
      } finally {
        await this.#ensure(AbortSignal.timeout(readyLimitMs));
      }
    });
  }

  async #ensure(signal: AbortSignal): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    const login = await this.#prepare(signal);
    if ((await this.#status(login)) === 200) return;
    const log = openSync(this.#path("registry.log"), "a", 0o600);
    const child = spawn(program, ["serve", this.#path("config.yml")], {
      detached: true,
      stdio: ["ignore", log, log],
      cwd: this.#options.folder,
      env: { PATH: process.env["PATH"] ?? "", OTEL_TRACES_EXPORTER: "none" },
    });
    closeSync(log);
    await spawned(child);
    child.unref();
    await writeFileAtomic(this.#path("pid"), `${child.pid}\n`);
    await this.#ready(child, login, signal);
    this.#options.log("info", `our own registry listens at ${this.host}`);
  }

  async #ready(child: ChildProcess, login: string, signal: AbortSignal): Promise<void> {
    const end = this.#clock.now() + readyLimitMs;
    for (;;) {
      const status = await this.#status(login);
      if (status === 200) return;
      const why =
        child.exitCode !== null
          ? `it ended with exit code ${child.exitCode}`
          : status !== 0
            ? `somebody else answers at ${this.host} (${status})`
            : this.#clock.now() > end
              ? `it did not answer at ${this.host} within ${readyLimitMs / 1000} s`
              : undefined;
      if (why !== undefined) {
        child.kill("SIGTERM");
        throw new RegistryError("REGISTRY_START_FAILED", `our own registry did not start: ${why}`);
      }
      await this.#clock.sleep(50, signal);
    }
  }

  /** 200 is ours alone: only it knows the password. 0: nobody answers. */
  async #status(login: string): Promise<number> {
    try {
      const headers = { authorization: login };
      const signal = AbortSignal.timeout(askLimitMs);
      const answer = await fetch(`http://${this.host}/v2/`, { headers, signal, redirect: "error" });
      await answer.body?.cancel();
      return answer.status;
    } catch {
      return 0;
    }
  }

  /** Writes what it needs to start; answers the login as a header. */
  async #prepare(signal: AbortSignal): Promise<string> {
    const known = await readFile(this.#path("password"), "utf8").catch(() => undefined);
    const password = known?.trim() ?? randomBytes(24).toString("base64url");
    if (known === undefined) {
      await writeFileAtomic(this.#path("htpasswd"), `${ownUser}:${await bcrypt(password, signal)}\n`);
      await writeFileAtomic(this.#path("password"), `${password}\n`);
    }
    const config = {
      version: 0.1,
      log: { level: "error", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: this.#path("data") }, delete: { enabled: true } },
      http: { addr: this.host, secret: randomBytes(24).toString("base64url") },
      auth: { htpasswd: { realm: "roadstead", path: this.#path("htpasswd") } },
    };
    // JSON is YAML.
    await writeFileAtomic(this.#path("config.yml"), JSON.stringify(config));
    await writeFileAtomic(this.#path("address"), `${this.host}\n`);
    return basic({ username: ownUser, password });
  }

  async #end(): Promise<void> {
    const pid = await this.#pid();
    if (pid === undefined) return;
    process.kill(pid, "SIGTERM");
    const end = this.#clock.now() + stopLimitMs;
    while ((await this.#pid()) === pid) {
      if (this.#clock.now() > end) process.kill(pid, "SIGKILL");
      await this.#clock.sleep(50);
    }
  }

  /** Of our process, as long as it is that: a pid may since be somebody else's. */
  async #pid(): Promise<number | undefined> {
    const pid = Number(await readFile(this.#path("pid"), "utf8").catch(() => "0"));
    if (!Number.isInteger(pid) || pid <= 1) return undefined;
    const argv = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return argv.split("\0").includes(this.#path("config.yml")) ? pid : undefined;
  }

  async #keepUp(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(lookMs, signal);
        await this.#alone(() => this.#ensure(signal));
      } catch (error) {
        if (!signal.aborted) this.#options.log("error", `our own registry: ${messageOf(error)}`);
      }
    }
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    const mine = this.#busy.catch(() => undefined).then(work);
    this.#busy = mine;
    await mine;
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }
}

/** The registry takes nothing but bcrypt; the system's own `crypt` knows it, and perl hands it over. */
async function bcrypt(password: string, signal: AbortSignal): Promise<string> {
  const salt = randomBytes(32).toString("hex").slice(0, 21);
  const script = "$/ = undefined; print crypt(<STDIN>, $ARGV[0])";
  const argv = ["perl", "-e", script, `$2b$${bcryptCost}$${salt}u`] as const;
  const outcome = await run([...argv], { input: password, timeoutMs: 10_000, signal, maxOutput: 1000 });
  if (outcome.exitCode !== 0 || !/^\$2b\$\d\d\$[./A-Za-z0-9]{53}$/.test(outcome.stdout))
    throw new RegistryError(
      "REGISTRY_START_FAILED",
      "perl on this system makes no bcrypt hash for the registry",
    );
  return outcome.stdout;
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve());
    child.once("error", (cause) =>
      reject(new RegistryError("REGISTRY_START_FAILED", `${program} can't be run`, { cause })),
    );
  });
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
}
