import { PlatformError } from "../../../lib/platform-error.ts";
import type { ComposeHook } from "../../../stack/compose-model.ts";
import { runtimeError } from "../../errors.ts";
import type { ContainerInspect } from "./engine-types.ts";
import { execInContainer } from "./exec.ts";
import type { DockerHost } from "./host.ts";
import { label } from "./labels.ts";
import { defined } from "./limits.ts";

const postStartLimitMs = 5 * 60_000;
const quotedCharacters = 500;

/** Runs `post_start` hooks in order; the first that fails stops the replica, as in Compose. */
export async function runPostStart(
  host: DockerHost,
  container: { id: string; name: string; hooks: readonly ComposeHook[] },
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(postStartLimitMs)]);
  for (const hook of container.hooks) {
    const failure = await runHook(host, container.id, hook, limit);
    if (failure === undefined) continue;
    await host.stopContainer(container.id, 0, signal);
    throw runtimeError(
      "RUNTIME_START_FAILED",
      `the post_start hook of ${container.name} failed: ${failure}`,
      {
        hint: "The hook runs inside the new replica; fix its command, or make it wait for what it needs.",
      },
    );
  }
}

/** Runs `pre_stop` hooks; whatever they do, the replica is stopped afterwards, so failures do not count. */
export async function runPreStop(
  host: DockerHost,
  container: ContainerInspect,
  limitSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const text = container.Config.Labels?.[label.preStop];
  if (text === undefined || !container.State.Running) return;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, limitSeconds) * 1000)]);
  for (const hook of JSON.parse(text) as ComposeHook[]) await runHook(host, container.Id, hook, limit);
  signal.throwIfAborted();
}

/** `undefined` when the hook ended with exit code 0, otherwise why not. */
async function runHook(
  host: DockerHost,
  container: string,
  hook: ComposeHook,
  signal: AbortSignal,
): Promise<string | undefined> {
  let output = "";
  const collect = (chunk: Uint8Array) => {
    if (output.length < quotedCharacters) output += Buffer.from(chunk).toString("utf8");
  };
  const environment = Object.fromEntries(
    Object.entries(hook.environment ?? {}).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    ),
  );
  const as = defined({
    user: hook.user,
    workingDirectory: hook.working_dir,
    privileged: hook.privileged,
    environment,
  });
  try {
    const exitCode = await execInContainer(
      host,
      { container, argv: hook.command, io: { onStdout: collect, onStderr: collect, tty: false }, as },
      signal,
    );
    return exitCode === 0 ? undefined : `exit code ${exitCode}: ${output.slice(0, quotedCharacters).trim()}`;
  } catch (error) {
    if (signal.aborted) return "it took too long";
    if (error instanceof PlatformError && error.code !== "RUNTIME_UNREACHABLE") return error.message;
    throw error;
  }
}
