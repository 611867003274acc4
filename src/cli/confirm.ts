import { createInterface } from "node:readline/promises";
import { canAsk } from "./context.ts";
import type { Invocation, OptionSpec } from "./define-command.ts";
import { confirmationNeeded } from "./errors.ts";

export const yesOption: OptionSpec = { flags: "-y, --yes", description: "don't ask" };

/** Asks before something is taken away. Without a terminal, and without `--yes`, nothing happens (exit code 4). */
export async function confirm(invocation: Invocation, what: string): Promise<void> {
  const { context, options } = invocation;
  if (options.flag("yes")) return;
  if (!canAsk(context)) throw confirmationNeeded(what);
  const prompt = createInterface({ input: context.stdin, output: process.stderr });
  try {
    const reply = await prompt.question(`${what} [y/N] `, { signal: context.signal });
    if (!/^y(es)?$/i.test(reply.trim())) throw confirmationNeeded("nothing was changed");
  } finally {
    prompt.close();
  }
}
