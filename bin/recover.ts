import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ResticRepository } from "../src/backup/drivers/restic.ts";
import { systemClock } from "../src/lib/clock.ts";
import { messageOf, PlatformError } from "../src/lib/platform-error.ts";
import { scopeKey } from "../src/rollout/ids.ts";
import { bestOf } from "../src/server-loss/catalogue.ts";
import { serverLossError } from "../src/server-loss/errors.ts";
import { HomeRecovery, type Offer } from "../src/server-loss/home-recovery.ts";
import { LossRecords } from "../src/server-loss/loss-records.ts";
import { openStoreOfHome } from "../src/store/drivers/sqlite-rotation.ts";
import type { Store } from "../src/store/port.ts";
import { BackupRuns } from "../src/vault/backup-run.ts";
import { RepositoryBook } from "../src/vault/repository-book.ts";
import { platformSource } from "./server-loss.ts";

/** A line of this program's output, for whoever started it. */
type Line =
  | { type: "resume" }
  | {
      type: "offer";
      installation: string;
      snapshot: string;
      takenAt: number;
      verdict: string;
      data: Found[];
      images: number;
    }
  | { type: "line"; text: string }
  | { type: "done"; epoch: number; stacks: string[] }
  | { type: "error"; code: string; message: string; hint?: string };
type Found = { scope: string; source: string; kind: string; takenAt: number; verdict: string };

const limitMs = 6 * 3600_000;

/** Brings the home of a lost control plane back on this host. Without `--yes` it only shows what there is. */
async function recover(argv: readonly string[]): Promise<void> {
  const text = { type: "string" } as const;
  const options = { home: text, from: text, "key-file": text, installation: text, snapshot: text };
  const { values } = parseArgs({ args: [...argv], options: { ...options, yes: { type: "boolean" } } });
  const { home, from, "key-file": keyFile } = values;
  if (home === undefined || from === undefined || keyFile === undefined)
    throw new Error("--home, --from and --key-file are needed");
  const signal = AbortSignal.timeout(limitMs);
  const password = readKeyFile(keyFile);
  const cacheFolder = await mkdtemp(join(tmpdir(), "roadstead-recover-"));
  try {
    const credentials = ambientCredentials();
    const place = { program: "restic", location: from, password, credentials, cacheFolder };
    const recovery = new HomeRecovery({
      repository: new ResticRepository(place),
      location: from,
      home,
      clock: systemClock,
      state: platformSource(systemClock.now),
      openStore: (folder) =>
        openStoreOfHome({ path: join(folder, "roadstead.db"), keyPath: join(folder, "key") }).store,
      adoptRepository: (store) => {
        endBackups(store);
        const book = new RepositoryBook(store, () => new ResticRepository(place));
        if (book.moved(password, from) === undefined)
          throw serverLossError(
            "RECOVER_NO_STATE",
            "the recovered state does not know this repository's key",
          );
      },
      onLine: (line) => say({ type: "line", text: line }),
    });
    if (isBegun(home, from)) {
      say({ type: "resume" });
      return;
    }
    await recovery.assertEmpty();
    const { installation, snapshot } = values;
    const choice = { ...(installation ? { installation } : {}), ...(snapshot ? { snapshot } : {}) };
    const offer = await recovery.look(choice, signal);
    say(offerLine(offer));
    if (!values.yes) return;
    const { epoch, stacks } = await recovery.carryOut(offer, signal);
    say({ type: "done", epoch, stacks: stacks.map(({ scope }) => scopeKey(scope)) });
  } finally {
    await rm(cacheFolder, { recursive: true, force: true });
  }
}

/** The home is back and its control plane goes on with the stacks. */
function isBegun(home: string, from: string): boolean {
  const path = join(home, "roadstead.db");
  if (!existsSync(path) || !existsSync(join(home, "key"))) return false;
  const { store } = openStoreOfHome({ path, keyPath: join(home, "key") });
  try {
    const recovery = new LossRecords(store).get("recovery");
    return recovery !== undefined && recovery.state !== "done" && recovery.repository === from;
  } finally {
    store.close();
  }
}

function offerLine({ installation, state, catalogue }: Offer): Line {
  const data = [...catalogue.data].flatMap(([scope, sources]) =>
    [...sources].flatMap(([source, found]) => {
      const best = bestOf(found);
      if (!best) return [];
      const { kind, takenAt } = best.snapshot;
      return [{ scope, source, kind, takenAt, verdict: best.verdict }];
    }),
  );
  const { id: snapshot, takenAt } = state.snapshot;
  const { verdict } = state;
  return { type: "offer", installation, snapshot, takenAt, verdict, data, images: catalogue.images.size };
}

/** Taken up again, a run would first forget what it has stored: the very copy that is to be restored. */
function endBackups(store: Store): void {
  const runs = new BackupRuns(store);
  const failure = { code: "SERVER_LOST", message: "the server was lost while it ran" };
  for (const run of runs.unfinished())
    runs.put({ ...run, state: "failed", finishedAt: systemClock.now(), failure });
}

function readKeyFile(path: string): string {
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0)
    throw new PlatformError("RECOVER_KEY_OPEN", `${path} can be read by others`, {
      hint: `chmod 600 ${path}`,
    });
  return readFileSync(path, "utf8").trim();
}

/** Of an S3 repository: there is no store yet that would know them. */
function ambientCredentials(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      /^AWS_[A-Z_]{1,40}$/.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

function say(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

recover(process.argv.slice(2)).catch((error: unknown) => {
  const own = error instanceof PlatformError ? error : undefined;
  const hint = own?.hint === undefined ? {} : { hint: own.hint };
  say({ type: "error", code: own?.code ?? "RECOVER_FAILED", message: messageOf(error), ...hint });
  process.exitCode = 1;
});
