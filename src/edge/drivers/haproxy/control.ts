import { chmod, copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../lib/atomic-file.ts";
import { askSocket, batches } from "./admin-socket.ts";
import { parseStats } from "./counts.ts";
import type { Layout } from "./layout.ts";
import { parseEntries, type Send } from "./map-changes.ts";
import type { HaproxyProcess } from "./process.ts";
import { renderConfig } from "./render-config.ts";
import { mapText, type RenderedMaps, renderMaps } from "./render-maps.ts";
import type { RenderOptions } from "./render-options.ts";
import { changeRuntime, type RuntimeChange } from "./runtime.ts";
import { parseServers, type ServerState, variantsOf } from "./servers.ts";
import { bySlot, parseUpgraded, type SlotStats } from "./target-counters.ts";
import type { Pool, Truth } from "./truth.ts";

/** Files, in the order in which a start between two writes does least harm: room first, then what points at it. */
const fileOrder = ["sticky", "tokens", "pools", "routes", "version"] as const;

/** Talks to one HAProxy's sockets and keeps its files: the mechanics below the driver. */
export class HaproxyControl {
  readonly #layout: Layout;
  readonly #options: RenderOptions;
  readonly #process: HaproxyProcess;
  /** Old workers live until their connections end; asking for them costs a round trip, so only after a reload. */
  #mayHaveOldWorkers = true;

  constructor(options: RenderOptions, haproxy: HaproxyProcess) {
    this.#layout = options.layout;
    this.#options = options;
    this.#process = haproxy;
  }

  send(signal: AbortSignal): Send {
    return (command) => askSocket(this.#layout.adminSocket, command, signal);
  }

  reloaded(): void {
    this.#mayHaveOldWorkers = true;
  }

  /** Each old worker that still has connections. It hands requests to the new one, so only open ones concern it. */
  async #oldWorkers(signal: AbortSignal): Promise<Send[]> {
    if (!this.#mayHaveOldWorkers) return [];
    const pids = await this.#process.oldWorkers(signal);
    this.#mayHaveOldWorkers = pids.length > 0;
    return pids.map((pid) => (command) => {
      const lines = command.includes("\n") ? [command] : command.split(";");
      const prefixed = lines.map((line) => `@!${pid} ${line}`).join(";");
      return askSocket(this.#layout.masterSocket, prefixed, signal);
    });
  }

  async change(change: RuntimeChange, signal: AbortSignal): Promise<void> {
    await changeRuntime(this.send(signal), change, this.#layout);
  }

  /** Version that the worker has confirmed. */
  async version(signal: AbortSignal): Promise<number> {
    const text = await this.send(signal)(`show map ${this.#layout.maps.version}`);
    const [entry = "version 0"] = parseEntries(text);
    return Number(entry.split(" ")[1]);
  }

  async confirm(version: number, signal: AbortSignal): Promise<void> {
    await this.send(signal)(`set map ${this.#layout.maps.version} version ${version}`);
  }

  /** @param all includes slots nobody uses. */
  async stats(signal: AbortSignal, all = false): Promise<SlotStats> {
    return bySlot(parseStats(await this.send(signal)(`show stat -1 4 -1${all ? "" : " no-maint"}`)));
  }

  async upgraded(signal: AbortSignal): Promise<Map<string, number>> {
    return parseUpgraded(await this.send(signal)("show table upgraded"));
  }

  async servers(signal: AbortSignal): Promise<Map<string, ServerState>> {
    return parseServers(await this.send(signal)("show servers state"));
  }

  /** Open sessions of slots, by slot, over the worker and the old ones. */
  async open(pools: readonly Pool[], truth: Truth, signal: AbortSignal): Promise<Map<string, number>> {
    const commands = pools.flatMap((pool) =>
      variantsOf(pool, truth).map((variant) => `show stat ${variant}${pool.index} 4 -1`),
    );
    const open = new Map<string, number>();
    for (const send of [this.send(signal), ...(await this.#oldWorkers(signal))])
      for (const line of batches(commands))
        for (const [key, slot] of bySlot(parseStats(await send(line))))
          open.set(key, (open.get(key) ?? 0) + slot.open);
    return open;
  }

  /** Closes every connection to the named servers, hard. Old workers know no command for a whole server. */
  async closeSessions(servers: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const send of [this.send(signal), ...(await this.#oldWorkers(signal))]) {
      const sessions = parseSessions(await send("show sess")).filter(({ server }) => servers.has(server));
      for (const line of batches(sessions.map(({ id }) => `shutdown session ${id}`))) await send(line);
    }
  }

  /** Files that every start needs and that never change. */
  async prepareFolder(): Promise<void> {
    await mkdir(this.#layout.folder, { recursive: true, mode: 0o700 });
    await copyFile(join(import.meta.dirname, "roadstead.lua"), this.#layout.lua);
  }

  /** Puts a truth on disk, so that any start or reload begins with it; only files that differ are written. */
  async writeTruth(truth: Truth): Promise<void> {
    // Its sockets lie in it: passing through is allowed, its files stay private.
    if (this.#options.account) await chmod(this.#layout.folder, 0o711);
    await writeChanged(
      this.#layout.trusted,
      truth.config.trustedProxies.map((range) => `${range}\n`).join(""),
    );
    await writeChanged(this.#layout.config, renderConfig(truth, this.#options));
    const maps: RenderedMaps = renderMaps(truth);
    for (const name of fileOrder) await writeChanged(this.#layout.maps[name], mapText(maps[name]));
  }

  /** Has HAProxy check the configuration of a truth before anything on disk or in the worker changes. */
  async check(truth: Truth, signal: AbortSignal): Promise<void> {
    const { candidate, maps, trusted } = this.#layout;
    for (const file of [...Object.values(maps), trusted, this.#layout.certificateList])
      if ((await readText(file)) === undefined) await writeFileAtomic(file, "");
    await writeFileAtomic(candidate, renderConfig(truth, this.#options));
    try {
      await this.#process.check(candidate, signal);
    } finally {
      await rm(candidate, { force: true });
    }
  }
}

/** Parses `show sess`: id and server (`p7/s1`) of each session. */
export function parseSessions(text: string): { id: string; server: string }[] {
  return [...text.matchAll(/^(0x[0-9a-f]+): .*? be=(\S+) srv=(\S+) /gm)].map(
    ([, id = "", pool = "", server = ""]) => ({ id, server: `${pool}/${server}` }),
  );
}

async function writeChanged(file: string, text: string): Promise<void> {
  if ((await readText(file)) !== text) await writeFileAtomic(file, text);
}

function readText(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}
