/** A Compose healthcheck test as we run it: from outside where that is the same thing, else inside the replica. */
export type HealthCommand =
  | { kind: "http"; path: string; port: number; expect: readonly number[]; tool: string }
  | { kind: "tcp"; port: number; tool: string }
  | { kind: "exec"; argv: readonly string[]; shell: boolean; tool: string }
  | { kind: "disabled" };

/**
 * Takes `healthcheck.test` apart. `curl` and `wget` of the service's own address become requests from outside the
 * image, `nc -z` a connection: the image then needs no such tool. Whatever else the command does, such as
 * headers, pipes or several commands, keeps it as it is, to be run inside.
 */
export function readHealthCommand(
  test: readonly string[] | undefined,
  environment: Readonly<Record<string, string | null>>,
  ownNames: readonly string[],
): HealthCommand | undefined {
  if (test === undefined || test.length === 0) return undefined;
  const [form, ...rest] = test;
  if (form === "NONE") return { kind: "disabled" };
  const shell = form === "CMD-SHELL";
  const argv = form === "CMD" || shell ? rest : [...test];
  const words = shell ? shellWords(rest[0] ?? "", environment) : unwrapShell(argv, environment);
  const [program = "", ...args] = words ?? argv;
  const tool = program.split("/").at(-1) ?? "";
  const asIs: HealthCommand = {
    kind: "exec",
    argv,
    shell,
    tool: shell && !words ? firstWord(rest[0]) : tool,
  };
  if (words === undefined) return asIs;
  if (tool === "curl" || tool === "wget") return httpCheck(tool, args, ownNames) ?? asIs;
  return tool === "nc" || tool === "ncat" ? (tcpCheck(tool, args, ownNames) ?? asIs) : asIs;
}

function firstWord(text = ""): string {
  return (/^\S*/.exec(text.trim())?.[0] ?? "").split("/").at(-1) ?? "";
}

/** `[sh, -c, "curl …"]` is the same as CMD-SHELL. */
function unwrapShell(
  argv: readonly string[],
  environment: Readonly<Record<string, string | null>>,
): string[] | undefined {
  const isShell = /^(\/bin\/)?(sh|bash|ash)$/.test(argv[0] ?? "") && argv[1] === "-c" && argv.length === 3;
  return isShell ? shellWords(argv[2] ?? "", environment) : [...argv];
}

const harmlessEnd = /(\s*(\|\|\s*(exit\s+1|false)\s*;?|[12]?>\s*\/dev\/null|&>\s*\/dev\/null|2>&1|;))+\s*$/;

/** The words of one simple command; `undefined` when the shell would do more than run it. */
function shellWords(
  text: string,
  environment: Readonly<Record<string, string | null>>,
): string[] | undefined {
  let simple = text.trim();
  // Redirections may stand before and after the `|| exit 1`.
  for (let before = ""; before !== simple; ) {
    before = simple;
    simple = simple.replace(harmlessEnd, "");
  }
  const filled = simple.replace(
    /\$(?:\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))/g,
    (whole, braced: string | undefined, fallback: string | undefined, bare: string | undefined) =>
      environment[braced ?? bare ?? ""] ?? fallback ?? whole,
  );
  if (/[|&;<>`$\\\n(){}*]/.test(filled.replaceAll(/'[^']*'/g, "")) || /'[^']*\$/.test(simple))
    return undefined;
  const words = [...filled.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)];
  return words.length === 0 ? undefined : words.map(([, a, b, c]) => a ?? b ?? c ?? "");
}

/** Flags that do not change whether an answer counts as healthy; the second list takes a value. */
const plainFlags: Readonly<Record<string, { alone: RegExp; withValue: RegExp }>> = {
  curl: {
    alone:
      /^(-[fsSLkIvg46N]+|--(fail|fail-with-body|silent|show-error|location|insecure|head|verbose|ipv4|ipv6|no-progress-meter|globoff))$/,
    withValue: /^(-[fsSLkIvg46]*[om]|--(output|max-time|connect-timeout|retry|retry-delay|write-out)|-w)$/,
  },
  wget: {
    alone:
      /^(-q|-nv|-S|-O-|-qO-|-4|-6|--(quiet|spider|no-verbose|no-check-certificate|server-response)|-O\/dev\/null|-qO\/dev\/null|-[tT]\d+|--(tries|timeout|output-document|method)=\S+)$/,
    withValue: /^(-O|-qO|-q?T|-q?t|--(tries|timeout|output-document))$/,
  },
};

function httpCheck(
  tool: string,
  args: readonly string[],
  ownNames: readonly string[],
): HealthCommand | undefined {
  const flags = plainFlags[tool];
  if (!flags) return undefined;
  let url: string | undefined;
  let failsOnError = tool === "wget";
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? "";
    if (tool === "curl" && (/^-[a-zA-Z]*f/.test(arg) || arg.startsWith("--fail"))) failsOnError = true;
    if (flags.alone.test(arg)) continue;
    if (flags.withValue.test(arg)) index += 1;
    else if (/^(-X|--request)$/.test(arg) && args[index + 1] === "GET") index += 1;
    else if (arg.startsWith("-") || url !== undefined) return undefined;
    else url = arg;
  }
  const target = localUrl(url ?? "", ownNames);
  return target && { kind: "http", ...target, expect: failsOnError ? [] : anyBelow500, tool };
}

/** Without `--fail`, curl is content with every answer; a server error is still no sign of health. */
const anyBelow500: readonly number[] = Array.from({ length: 300 }, (_, index) => 200 + index);

function localUrl(text: string, ownNames: readonly string[]): { path: string; port: number } | undefined {
  const match = /^(?:http:\/\/)?(\[::1?\]|[^\s/:?#]+)(?::(\d{1,5}))?(\/[^\s#]*)?(?:\?[^\s#]*)?$/i.exec(text);
  if (!match || !isOwn(match[1] ?? "", ownNames)) return undefined;
  const query = /\?[^#\s]*$/.exec(text)?.[0] ?? "";
  const path = (match[3] ?? "/").replace(/\?.*$/, "") + query;
  const port = Number(match[2] ?? 80);
  return port >= 1 && port <= 65_535 ? { path, port } : undefined;
}

function isOwn(host: string, ownNames: readonly string[]): boolean {
  return /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/i.test(host) || ownNames.includes(host);
}

function tcpCheck(
  tool: string,
  args: readonly string[],
  ownNames: readonly string[],
): HealthCommand | undefined {
  const rest = args.filter((arg) => !/^-[zvn]+$/.test(arg));
  const zero = args.some((arg) => /^-[vn]*z[vn]*$/.test(arg));
  if (!zero || rest.length !== 2 || !isOwn(rest[0] ?? "", ownNames)) return undefined;
  const port = Number(rest[1]);
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? { kind: "tcp", port, tool } : undefined;
}
