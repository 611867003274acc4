import { readFileSync } from "node:fs";

/** Where the database stands: on the bot's network, on another network of the same machine, or on another server. */
export const scenarios = ["same-network", "other-network", "external"] as const;
export type Scenario = (typeof scenarios)[number];
export type TlsMode = "disable" | "require" | "verify-full";

export type DatabaseSettings = {
  scenario: Scenario;
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  tls: TlsMode;
  /** Certificate authority in PEM, if not one that Node trusts. */
  ca?: string;
  maxConnections: number;
  /** How long the start waits for a database that does not answer yet. */
  waitMs: number;
};

const tlsModes: readonly TlsMode[] = ["disable", "require", "verify-full"];

/**
 * Reads DATABASE_URL and what belongs to it. An external database is reached with `verify-full` unless the URL says
 * otherwise, and in production never without a verified certificate.
 */
export function readDatabaseSettings(env: NodeJS.ProcessEnv): DatabaseSettings {
  const scenario = readScenario(env["DATABASE_SCENARIO"]);
  const url = readUrl(env["DATABASE_URL"]);
  const tls = readTls(url, scenario);
  if (scenario === "external" && tls !== "verify-full" && (env["APP_ENV"] ?? "production") === "production")
    throw new Error("DATABASE_URL: an external database needs sslmode=verify-full in production");
  const ca = readCa(env);
  return {
    scenario,
    host: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    tls,
    ...(ca === undefined ? {} : { ca }),
    maxConnections: readNumber(env, "DATABASE_POOL_MAX", 5, 100),
    waitMs: readNumber(env, "DATABASE_WAIT_SECONDS", 30, 600) * 1000,
  };
}

function readScenario(text: string | undefined): Scenario {
  const scenario = scenarios.find((name) => name === (text || "same-network"));
  if (!scenario) throw new Error(`DATABASE_SCENARIO must be one of ${scenarios.join(", ")}`);
  return scenario;
}

function readUrl(text: string | undefined): URL {
  if (!text) throw new Error("DATABASE_URL is not set");
  // The text holds a password, so no message quotes it.
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname || url.pathname.length < 2)
    throw new Error("DATABASE_URL must look like postgresql://user:password@host:5432/name");
  return url;
}

function readTls(url: URL, scenario: Scenario): TlsMode {
  const text = url.searchParams.get("sslmode");
  if (text === null) return scenario === "external" ? "verify-full" : "disable";
  const mode = tlsModes.find((known) => known === text);
  if (!mode) throw new Error(`DATABASE_URL: sslmode must be one of ${tlsModes.join(", ")}`);
  return mode;
}

function readCa(env: NodeJS.ProcessEnv): string | undefined {
  if (env["DATABASE_CA"]) return env["DATABASE_CA"];
  const file = env["DATABASE_CA_FILE"];
  if (!file) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new Error("DATABASE_CA_FILE cannot be read");
  }
}

function readNumber(env: NodeJS.ProcessEnv, name: string, fallback: number, highest: number): number {
  const value = Number(env[name] || fallback);
  if (!Number.isInteger(value) || value < 1 || value > highest)
    throw new Error(`${name} must be a whole number from 1 to ${highest}`);
  return value;
}
