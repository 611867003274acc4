import { randomBytes } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Runtime = "process" | "docker";

export type ReferenceStack = {
  name: string;
  /** Compose files in merge order, absolute. */
  files: readonly string[];
  /** What must differ where all five share one machine and one edge. */
  environment: Readonly<Record<string, string>>;
};

export const stacksFolder = join(import.meta.dirname, "..");
export const stackNames = ["mileage-bot", "lila", "manacore", "nickapp", "olim-bot"] as const;

/** First of a block of loopback ports for the stand-ins: one for each stack and stand-in, so that all can run at once. */
const standInPorts = {
  "mileage-bot": { DISCORD_STAND_IN_PORT: 0 },
  lila: { IDENTITY_STAND_IN_PORT: 1 },
  manacore: { OPENAI_STAND_IN_PORT: 2 },
  nickapp: {
    IDENTITY_STAND_IN_PORT: 3,
    OPENAI_STAND_IN_PORT: 4,
    PAYMENTS_STAND_IN_PORT: 5,
    MAIL_STAND_IN_PORT: 6,
    ERRORS_STAND_IN_PORT: 7,
    NICKAPP_PORT: 8,
  },
  "olim-bot": { DISCORD_STAND_IN_PORT: 9 },
} as const satisfies Record<(typeof stackNames)[number], Record<string, number>>;

/**
 * The five stacks as they are deployed together: compose.yaml, then the stand-ins, then for processes what the stack's
 * compose.process*.yaml changes.
 */
export function referenceStacks(options: {
  runtime: Runtime;
  home: string;
  /** Port of the edge, which public addresses must name. */
  http: number;
  /** First port of the stand-ins' block. */
  standIns: number;
}): ReferenceStack[] {
  return stackNames.map((name) => {
    const ports = Object.entries(standInPorts[name]).map(([variable, offset]) => [
      variable,
      String(options.standIns + offset),
    ]);
    return {
      name,
      files: composeFiles(name, options.runtime),
      environment: {
        ...Object.fromEntries(ports),
        ...publicAddresses(name, options.http),
        ...own(name, options.home),
      },
    };
  });
}

function composeFiles(name: string, runtime: Runtime): string[] {
  const folder = join(stacksFolder, name);
  const forProcesses = runtime === "process" ? globSync("compose.process*.yaml", { cwd: folder }) : [];
  const names = ["compose.yaml", "compose.stand-ins.yaml", ...forProcesses];
  return names.map((file) => join(folder, file)).filter((path) => existsSync(path));
}

/** Applications that send people somewhere name the port that browsers see. */
function publicAddresses(name: (typeof stackNames)[number], http: number): Record<string, string> {
  const at = (host: string) => `http://${host}:${http}`;
  switch (name) {
    case "mileage-bot":
      return { MILEAGE_PUBLIC_URL: at("mileage-bot.localhost") };
    case "lila":
      return {
        LILA_WEB_URL: at("lila.localhost"),
        LILA_API_URL: at("api.lila.localhost"),
        LILA_IDENTITY_URL: at("identity.lila.localhost"),
      };
    case "manacore":
      return { CHAT_WEB_URL: at("app-chat.manacore.localhost") };
    case "nickapp":
      return { NICKAPP_PUBLIC_URL: at("nickapp.localhost") };
    case "olim-bot":
      return {};
  }
}

/** nickapp has no harmless defaults for its secrets: they are made once and kept with the state. */
function own(name: string, home: string): Record<string, string> {
  if (name !== "nickapp") return {};
  const file = join(home, "nickapp-secrets.json");
  if (!existsSync(file)) {
    mkdirSync(home, { recursive: true, mode: 0o755 });
    const names = ["JWT_SECRET", "REFRESH_TOKEN_SECRET", "MONGO_PASSWORD", "REDIS_PASSWORD"];
    const secrets = Object.fromEntries(names.map((one) => [one, randomBytes(24).toString("hex")]));
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  }
  const secrets = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  return { ...secrets, NICKAPP_UPLOADS: join(home, "nickapp-uploads") };
}
