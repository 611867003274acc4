import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import pg from "pg";
import { migrate } from "../src/database/migrations.ts";
import { type Database, openDatabase } from "../src/database/pool.ts";
import type { SubmittedEntry } from "../src/mileage/entry.ts";

/** A database of its own on the server that DATABASE_URL names; dropped after the test. */
export async function freshDatabase(t: TestContext): Promise<string> {
  const server = process.env["DATABASE_URL"];
  if (server === undefined) throw new Error("set DATABASE_URL to a PostgreSQL 16 server for tests");
  const name = `test_${randomBytes(6).toString("hex")}`;
  await once(server, `create database ${name}`);
  t.after(() => once(server, `drop database ${name} with (force)`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

export async function migratedDatabase(t: TestContext): Promise<{ url: string; database: Database }> {
  const url = await freshDatabase(t);
  const database = openDatabase(url);
  t.after(() => database.end());
  await migrate(database);
  return { url, database };
}

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** The network between program and database, to be cut: connections hang, as with a paused server, or are refused. */
export class Line {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#carry(socket));
  #state: "up" | "silent" | "down" = "up";

  private constructor(target: URL) {
    this.#target = target;
  }

  static async open(t: TestContext, url: string): Promise<Line> {
    const line = new Line(new URL(url));
    await new Promise<void>((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      line.#server.close();
      for (const socket of line.#sockets) socket.destroy();
    });
    return line;
  }

  get url(): string {
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return url.href;
  }

  set(state: "up" | "silent" | "down"): void {
    this.#state = state;
    for (const socket of this.#sockets) {
      if (state === "down") socket.destroy();
      else if (state === "silent") socket.pause();
      else socket.resume();
    }
  }

  #carry(near: Socket): void {
    if (this.#state === "down") {
      near.destroy();
      return;
    }
    const far = connect(Number(this.#target.port || 5432), this.#target.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("data", (chunk) => other.write(chunk));
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      if (this.#state === "silent") socket.pause();
    }
  }
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "mileage-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function anEntry(key: string, more: Partial<SubmittedEntry> = {}): SubmittedEntry {
  return {
    guildId: "100",
    driverId: "7",
    driverName: "ada",
    distanceM: 12_500,
    drivenOn: "2026-11-20",
    note: "harbour",
    source: "api",
    idempotencyKey: `test-key-${key}`,
    acceptedAt: "2026-11-20T10:00:00.000Z",
    ...more,
  };
}

/** Waits for a state with a limit; says what was missing. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 15_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
