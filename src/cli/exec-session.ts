import { exec } from "../api/contract/exec-client.ts";
import type { Scope } from "../rollout/ids.ts";
import { paramsOf } from "./choose-scope.ts";
import type { Invocation } from "./define-command.ts";
import type { ExitCode } from "./exit-code.ts";
import { errStyle, printJson, say } from "./terminal.ts";

/** Runs argv inside a replica, passing stdin and both outputs through until it ends; raw mode while it has a terminal. */
export async function runInReplica(
  invocation: Invocation,
  scope: Scope,
  service: string,
  argv: readonly string[],
): Promise<ExitCode> {
  const { context, settings, options, json } = invocation;
  const tty = options.notDisabled("tty") && context.stdin.isTTY === true && context.stdout.isTTY === true;
  const replica = options.text("replica");
  const write = (stream: "stdout" | "stderr") => (bytes: Uint8Array) => {
    const text = Buffer.from(bytes).toString("utf8");
    if (json) printJson(context, { stream, text });
    else context[stream].write(text);
  };
  if (tty) context.stdin.setRawMode?.(true);
  try {
    const exitCode = await exec(
      { baseUrl: settings.host, ...(settings.token === undefined ? {} : { token: settings.token }) },
      {
        params: paramsOf(scope),
        request: { service, argv: [...argv], tty, ...(replica === undefined ? {} : { replica }) },
        stdin: context.stdin,
        onStdout: write("stdout"),
        onStderr: write("stderr"),
        signal: context.signal,
      },
    );
    return ended(invocation, exitCode);
  } finally {
    if (tty) context.stdin.setRawMode?.(false);
    // An open stdin would keep this process waiting for a key after the command has ended.
    context.stdin.destroy();
  }
}

function ended({ context, json }: Invocation, exitCode: number): ExitCode {
  if (json) printJson(context, { exitCode });
  if (exitCode === 0) return 0;
  say(context, errStyle(context).dim(`the command ended with exit code ${exitCode}`));
  return 1;
}
