import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CliContext } from "./context.ts";
import { usageError } from "./errors.ts";
import { readPlatformRecord } from "./platform/record.ts";

/** Where the control plane is and how to talk to it, from options, then the environment, then what `up` recorded. */
export type Settings = {
  /** Folder of the control plane's state. */
  home: string;
  /** e.g. `http://127.0.0.1:7700`, without a trailing slash. */
  host: string;
  token: string | undefined;
  environment: string;
  /** The environment was named, so it also narrows a listing. */
  environmentNamed: boolean;
};

export const defaultApi = "127.0.0.1:7700";
const defaultEnvironment = "production";

export type GlobalOptions = {
  home?: string | undefined;
  host?: string | undefined;
  token?: string | undefined;
  env?: string | undefined;
};

export function resolveSettings(options: GlobalOptions, context: CliContext): Settings {
  const home = resolveHome(options.home, context);
  const host = options.host ?? context.env["ROADSTEAD_HOST"] ?? readPlatformRecord(home)?.api ?? defaultApi;
  const environment = options.env ?? context.env["ROADSTEAD_ENV"];
  return {
    home,
    host: normaliseHost(host),
    token: options.token ?? context.env["ROADSTEAD_TOKEN"] ?? readToken(home),
    environment: environment ?? defaultEnvironment,
    environmentNamed: environment !== undefined,
  };
}

/** `--home`, `ROADSTEAD_HOME`, else the system folder for root and the user's data folder for everybody else. */
export function resolveHome(option: string | undefined, context: CliContext): string {
  const named = option ?? context.env["ROADSTEAD_HOME"];
  if (named !== undefined && named !== "") return resolve(context.cwd, named);
  if (context.isRoot) return "/var/lib/roadstead";
  const data = context.env["XDG_DATA_HOME"] ?? join(context.homeFolder, ".local", "share");
  return join(data, "roadstead");
}

function normaliseHost(host: string): string {
  const url = /^https?:\/\//.test(host) ? host : `http://${host}`;
  if (!URL.canParse(url)) throw usageError(`${host} is not an address`, "Write --host http://127.0.0.1:7700");
  return url.replace(/\/+$/, "");
}

function readToken(home: string): string | undefined {
  try {
    return readFileSync(join(home, "token"), "utf8").trim();
  } catch {
    // No token file: the control plane was never started here, or belongs to another user. The API call says which.
    return undefined;
  }
}
