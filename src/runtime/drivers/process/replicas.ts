import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Clock } from "../../../lib/clock.ts";
import type { ReplicaId } from "../../../rollout/ids.ts";
import { runtimeError } from "../../errors.ts";
import type { Launch } from "./launch.ts";
import type { LogFiles } from "./log-files.ts";
import { findByMark, identify, isAlive, leadsGroup } from "./process-table.ts";
import { type ReplicaRecord, type ReplicaRecords, startVariable } from "./replica-records.ts";
import { exitCodeOf, killGroup, sendSignal, startFailed } from "./run-child.ts";

/** How often a process that is being stopped, or is not our child, is looked at. */
const pollMs = 25;
/** After SIGKILL the kernel needs moments; longer means a process stuck in the kernel. */
const killLimitMs = 10_000;

/** Starts, watches and ends the processes behind the records. */
export class Replicas {
  readonly #records: ReplicaRecords;
  readonly #logs: LogFiles;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #children = new Map<ReplicaId, ChildProcess>();

  constructor(options: { records: ReplicaRecords; logs: LogFiles; clock: Clock; onChange: () => void }) {
    this.#records = options.records;
    this.#logs = options.logs;
    this.#clock = options.clock;
    this.#onChange = options.onChange;
  }

  /** Takes over what runs: also a process whose pid was never noted because the control plane died right then. */
  async adopt(): Promise<void> {
    for (const record of this.#records.all()) {
      if (record.state === "created") {
        const leader = this.#findAll(record)
          .map((pid) => identify(pid))
          .filter((identity) => identity !== undefined)
          .sort((a, b) => a.startTicks - b.startTicks)[0];
        if (leader) {
          Object.assign(record, { state: "running", process: leader, startedAt: this.#clock.now() });
          await this.#records.save(record);
        }
      }
      this.settle(record);
    }
  }

  /** Notes the end of a process that nobody told us about. */
  settle(record: ReplicaRecord): void {
    if (record.state !== "running" || this.#children.has(record.id)) return;
    if (record.process && isAlive(record.process)) return;
    this.#ended(record, undefined);
  }

  /** The record goes to disk before the process exists, so that a crash in between leaves nothing unknown. */
  async start(record: ReplicaRecord, launch: Launch): Promise<void> {
    record.startMark = randomBytes(12).toString("hex");
    record.state = "created";
    for (const key of ["process", "startedAt", "exitedAt", "exitCode"] as const) delete record[key];
    await this.#records.save(record);
    const child = this.#spawn(record, launch);
    child.on("exit", (code, signal) => this.#ended(record, exitCodeOf(code, signal)));
    // A zombie still tells when it started, so this works for a program that ended at once.
    const identity = child.pid === undefined ? undefined : identify(child.pid, "zombies too");
    if (identity) {
      this.#children.set(record.id, child);
      Object.assign(record, { state: "running", process: identity, startedAt: this.#clock.now() });
    }
    await failedStart(child, launch.argv[0] ?? "");
    child.unref();
    await this.#records.save(record);
    this.#onChange();
  }

  #spawn(record: ReplicaRecord, launch: Launch): ChildProcess {
    const [command = "", ...args] = launch.argv;
    const files = this.#logs.openFor(record.id);
    try {
      return spawn(command, args, {
        cwd: launch.cwd,
        env: { ...launch.env, [startVariable]: record.startMark },
        detached: true,
        stdio: ["ignore", files.stdout, files.stderr],
        ...launch.runAs,
      });
    } catch (cause) {
      throw startFailed(command, cause);
    } finally {
      files.close();
    }
  }

  /** Stop signal to the group (to a server's main process alone, which ends its own), then SIGKILL to all that is left. */
  async stop(record: ReplicaRecord, graceSeconds: number, signal: AbortSignal): Promise<void> {
    this.settle(record);
    const { process: identity } = record;
    if (record.state !== "running" || !identity) return;
    const server = record.kind === "postgres" || record.kind === "redis";
    sendSignal(server ? identity.pid : -identity.pid, record.stopSignal);
    if (await this.#ends(record, graceSeconds * 1000, signal)) return;
    await this.kill(record, signal);
  }

  async kill(record: ReplicaRecord, signal: AbortSignal): Promise<void> {
    this.settle(record);
    if (record.state !== "running" || !record.process) return;
    killGroup(record.process.pid, "SIGKILL");
    if (!(await this.#ends(record, killLimitMs, signal)))
      throw runtimeError("RUNTIME_RESOURCE_FAILED", `${record.id} does not end, not even by SIGKILL`, {
        hint: "A process stuck in the kernel: check the disk and network file systems it uses.",
      });
    // Whoever sent SIGKILL knows the exit code even of a process that is not its child.
    record.exitCode ??= 137;
    await this.#records.save(record);
  }

  async #ends(record: ReplicaRecord, limitMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = this.#clock.now() + limitMs;
    for (;;) {
      this.settle(record);
      if (record.state !== "running") return true;
      if (this.#clock.now() >= deadline) return false;
      await this.#clock.sleep(pollMs, signal);
    }
  }

  #ended(record: ReplicaRecord, exitCode: number | undefined): void {
    this.#children.delete(record.id);
    if (record.state !== "running") return;
    record.state = "exited";
    record.exitedAt = this.#clock.now();
    if (exitCode !== undefined) record.exitCode = exitCode;
    // As in a container, nothing outlives the main process.
    if (record.process && leadsGroup(record.process)) killGroup(record.process.pid, "SIGKILL");
    for (const pid of this.#findAll(record)) sendSignal(pid, "SIGKILL");
    // Failing to note it is harmless: the next look at the process finds the same.
    this.#records.save(record).catch(() => undefined);
    this.#onChange();
  }

  #findAll(record: ReplicaRecord): number[] {
    if (record.startMark === "") return [];
    return findByMark(startVariable, record.startMark, this.#logs.pathOf(record.id, "stdout"));
  }

  /** Lets go of the children; they go on. */
  close(): void {
    for (const child of this.#children.values()) child.removeAllListeners("exit");
    this.#children.clear();
  }
}

async function failedStart(child: ChildProcess, command: string): Promise<void> {
  if (child.pid !== undefined) return;
  const [cause] = await once(child, "error").catch((error: unknown) => [error]);
  throw startFailed(command, cause);
}
