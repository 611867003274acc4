import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { root } from "../e2e/platform.ts";

export const run = promisify(execFile);
export const folder = join(root, "stacks/olim-bot");
export const harbour = { guildId: "100000000000000001", channelId: "100000000000000002" };
const ada = { id: "200000000000000001", username: "ada" };

export const files = (...overlays: string[]): string[] =>
  ["compose.yaml", "compose.stand-ins.yaml", ...overlays].flatMap((name) => ["-f", resolve(folder, name)]);

export type Session = {
  shard: [number, number];
  identifiedAt: string;
  closedAt: string | null;
  live: boolean;
  overlap: boolean;
  resumes: number;
  heartbeats: number;
  closeCode: number | null;
};
export type Sent = { channelId: string; content: string };

/** The stack's own tests (`npm test` there) against a real server; without one they would fail, not skip. */
export async function runOwnTests(databaseUrl: string): Promise<string> {
  const env: NodeJS.ProcessEnv = { ...process.env, CI: "true", DATABASE_URL: databaseUrl };
  env["PATH"] = `${dirname(process.execPath)}:${env["PATH"]}`;
  // Node's own test runner takes a run inside another test runner for a part of it.
  for (const name of Object.keys(env)) if (/^(NODE_TEST|VITEST|NODE_OPTIONS)/.test(name)) delete env[name];
  const options = { cwd: folder, env, timeout: 240_000, maxBuffer: 16 * 1024 * 1024 };
  if (!existsSync(join(folder, "node_modules/discord.js"))) await run("npm", ["ci"], options);
  return (await run("npm", ["test"], options)).stdout;
}

/** The control side of the Discord stand-in. */
export class Discord {
  readonly port: number;

  constructor(port: number) {
    this.port = port;
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(this.#url(path));
    if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
    return (await response.json()) as T;
  }

  async post(path: string, body: unknown): Promise<void> {
    const headers = { "content-type": "application/json" };
    const response = await fetch(this.#url(path), { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
  }

  /** What ada, who owns the guild, writes there. */
  say(content: string): Promise<void> {
    return this.post("messages", { ...harbour, author: ada, content });
  }

  sessions(): Promise<Session[]> {
    return this.get("sessions");
  }

  async texts(): Promise<string[]> {
    return (await this.get<Sent[]>("sent")).map(({ content }) => content);
  }

  /** Says something and waits for the bot's answer to it, alone. */
  async ask(content: string, limitMs = 15_000): Promise<string> {
    const before = (await this.texts()).length;
    await this.say(content);
    return this.answer(before, limitMs);
  }

  async answer(before: number, limitMs = 15_000): Promise<string> {
    await until(async () => (await this.texts()).length > before, `an answer within ${limitMs} ms`, limitMs);
    return (await this.texts())[before] ?? "";
  }

  #url(path: string): string {
    return `http://127.0.0.1:${this.port}/_stand-in/${path}`;
  }
}

/** Waits for a state of the outside world; the limit is the assertion. */
export async function until(holds: () => Promise<boolean>, what: string, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`no ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * What the bot does for people, the same wherever its database is: commands, settings, a greeting, one row for a
 * guild that is created twice, and all of that again after the database has been away.
 */
export async function expectBotToWork(
  discord: Discord,
  database: { query(sql: string): Promise<string>; restart(): Promise<void> },
): Promise<void> {
  expect(await discord.ask("!ping")).toMatch(/^pong/);
  expect(await discord.ask(`!welcome <#${harbour.channelId}>`)).toContain("welcome messages go to");
  const before = (await discord.texts()).length;
  await discord.post("members", {
    guildId: harbour.guildId,
    user: { id: `7${Date.now()}`, username: "new" },
  });
  expect(await discord.answer(before)).toMatch(/^Welcome to /);
  for (const name of ["Haven", "Harbour"]) await discord.post("guilds", { id: harbour.guildId, name });
  const row = `${harbour.guildId}|Harbour|${harbour.channelId}`;
  const sql = "SELECT guild_id, guild_name, welcome_channel_id FROM guild_config";
  await until(async () => (await database.query(sql)) === row, `only row ${row}`, 15_000);
  await discord.say("not a command");
  await database.restart();
  expect(await discord.ask("!stats", 5_000)).toMatch(/^ada: [1-9]\d* messages$/);
}
