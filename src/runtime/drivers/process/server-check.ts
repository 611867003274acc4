import type { Probe } from "../../../stack/stack.ts";
import type { StoredImage } from "./image-store.ts";

export type ServerCheck =
  | { kind: "postgres"; user: string; database: string }
  | { kind: "redis"; user: string | undefined; password: string | undefined };

/**
 * Recognises the usual health checks of database images (`pg_isready -U app`, `redis-cli -a $PASSWORD ping`,
 * also with `|| exit 1` or `| grep PONG` behind them), so that they work without the client programs. `undefined` for
 * anything else: that is run as it is written.
 */
export function readServerCheck(
  kind: StoredImage["kind"],
  probe: Pick<Extract<Probe, { kind: "exec" }>, "argv" | "shell">,
  environment: Readonly<Record<string, string>>,
): ServerCheck | undefined {
  const text = probe.shell
    ? (probe.argv[0] ?? "").replace(/\s*(\|\|\s*exit\s+\d+|\|\s*grep\s+(-\w+\s+)*["']?PONG["']?)\s*$/g, "")
    : undefined;
  const words = text === undefined ? [...probe.argv] : splitWords(text, environment);
  const [program = "", ...options] = words ?? [];
  const name = program.split("/").at(-1);
  if (kind === "postgres" && name === "pg_isready") {
    const user = optionOf(options, ["-U", "--username"]) ?? environment["POSTGRES_USER"] ?? "postgres";
    const database = optionOf(options, ["-d", "--dbname"]) ?? environment["POSTGRES_DB"] ?? user;
    return { kind, user, database };
  }
  const isPing = options.some((option) => option.toLowerCase() === "ping");
  if (kind === "redis" && (name === "redis-cli" || name === "valkey-cli") && isPing)
    return {
      kind,
      user: optionOf(options, ["--user"]),
      password: optionOf(options, ["-a", "--pass"]) ?? environment["REDISCLI_AUTH"],
    };
  return undefined;
}

function optionOf(options: readonly string[], names: readonly string[]): string | undefined {
  for (const [index, option] of options.entries()) {
    if (names.includes(option)) return options[index + 1];
    const long = names.find((name) => name.startsWith("--") && option.startsWith(`${name}=`));
    if (long !== undefined) return option.slice(long.length + 1);
  }
  return undefined;
}

/** Words of a plain command line: quotes and variables, nothing else. `undefined` when a shell is needed for it. */
export function splitWords(
  text: string,
  environment: Readonly<Record<string, string>>,
): string[] | undefined {
  const words: string[] = [];
  const token = /\s*((?:"(?:[^"\\`]|\\.)*"|'[^']*'|[^\s"'`;&|<>()\\]|\\.)+)/y;
  let at = 0;
  while (at < text.trimEnd().length) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match?.[1] || match[1].includes("$(")) return undefined;
    words.push(unquote(match[1], environment));
    at = token.lastIndex;
  }
  return words;
}

function unquote(word: string, environment: Readonly<Record<string, string>>): string {
  return word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([^"']+)/g, (_whole, double, single, plain) => {
    if (single !== undefined) return single as string;
    return ((double ?? plain) as string)
      .replace(/\$(?:(\w+)|\{(\w+)\})/g, (_all, a: string, b: string) => environment[a ?? b] ?? "")
      .replace(/\\(.)/g, "$1");
  });
}
