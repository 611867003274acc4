import type { ApiClient } from "../api/contract/client.ts";
import type { RunView } from "../api/contract/delivery.ts";
import { systemClock } from "../lib/clock.ts";
import { hasCode } from "../lib/platform-error.ts";
import type { Invocation } from "./define-command.ts";
import { errStyle, say } from "./terminal.ts";

/** A control plane that is being restarted comes back within this. */
const awayLimitMs = 120_000;
const pollMs = 500;

/** Shows a run's output until it is over, across restarts of the control plane. Ctrl-C leaves it running. */
export async function followRun(invocation: Invocation, client: ApiClient, id: string): Promise<RunView> {
  const { context } = invocation;
  const style = errStyle(context);
  let seen = 0;
  let phase = "";
  let awaySince: number | undefined;
  for (;;) {
    try {
      const events = client.delivery.events({
        params: { id },
        ...(seen === 0 ? {} : { lastEventId: String(seen) }),
        signal: context.signal,
      });
      for await (const event of events) {
        awaySince = undefined;
        if (event.type === "end") return event.run;
        if (event.type === "run") continue;
        const { line } = event;
        if (line.phase !== phase) say(context, style.dim(`── ${line.phase}`));
        phase = line.phase;
        seen = line.seq;
        say(context, `   ${line.job === undefined ? "" : style.dim(`${line.job} | `)}${line.line}`);
      }
    } catch (error) {
      if (!hasCode(error, "API_UNREACHABLE")) throw error;
      const now = context.now();
      if (awaySince === undefined) say(context, style.dim("the control plane went away; waiting for it"));
      awaySince ??= now;
      if (now - awaySince > awayLimitMs) throw error;
    }
    await systemClock.sleep(pollMs, context.signal);
  }
}
