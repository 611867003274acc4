import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../../../lib/platform-error.ts";
import { run } from "../../../lib/run.ts";
import { runtimeError } from "../../errors.ts";
import type { Recipe } from "./dockerfile.ts";

/** A build that takes longer hangs: the slowest `npm ci` of the reference stacks takes half a minute. */
const buildTimeoutMs = 15 * 60_000;

/** The PATH of builds and replicas: `node` is always the Node that runs this. */
export function programPath(): string {
  return `${dirname(process.execPath)}:${process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"}`;
}

/**
 * What `docker build` would have done, as far as a plain folder needs it: `npm ci` when there is a lock file and no
 * node_modules, then the package's build script when the Dockerfile runs it. Other RUN lines are not executed.
 */
export async function buildSnapshot(
  root: string,
  recipe: Recipe,
  buildArguments: Readonly<Record<string, string>>,
  { onLine, signal }: { onLine: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const env = { ...ambient(), ...buildArguments, PATH: programPath() };
  const step = async (argv: [string, ...string[]]) => {
    onLine(`$ ${argv.join(" ")}`);
    // Below everything that serves: a build must not slow the host's services down.
    const polite: [string, ...string[]] = ["nice", "-n", "10", ...argv];
    const options = { cwd: root, env, timeoutMs: buildTimeoutMs, signal, onLine };
    const { exitCode } = await run(polite, options).catch((cause) => {
      signal.throwIfAborted();
      throw runtimeError("RUNTIME_BUILD_FAILED", `${argv.join(" ")}: ${messageOf(cause)}`, { cause });
    });
    if (exitCode !== 0)
      throw runtimeError("RUNTIME_BUILD_FAILED", `${argv.join(" ")} ended with exit code ${exitCode}`);
  };
  const builds = recipe.runsBuild && (await hasBuildScript(root));
  if (existsSync(join(root, "package-lock.json")) && !existsSync(join(root, "node_modules"))) {
    const omit = recipe.productionOnly && !builds ? ["--omit=dev"] : [];
    await step(["npm", "ci", "--no-audit", "--no-fund", ...omit]);
  }
  if (builds) await step(["npm", "run", "build"]);
}

async function hasBuildScript(root: string): Promise<boolean> {
  const text = await readFile(join(root, "package.json"), "utf8").catch(() => "{}");
  const { scripts } = JSON.parse(text) as { scripts?: Record<string, string> };
  return scripts?.["build"] !== undefined;
}

/** A build sees what npm needs of the control plane's environment, and none of its secrets. */
function ambient(): Record<string, string> {
  const wanted =
    /^(HOME|USER|LANG|LC_\w+|TZ|TMPDIR|https?_proxy|no_proxy|npm_config_\w+|NODE_EXTRA_CA_CERTS)$/i;
  const entries = Object.entries(process.env).filter(([name]) => wanted.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? ""]));
}
