import type { Clock } from "../../lib/clock.ts";
import { hasCode } from "../../lib/platform-error.ts";
import type { ApiClient } from "./client.ts";
import type { DeploymentEvent } from "./models.ts";

export type FollowOptions = {
  clock: Clock;
  signal?: AbortSignal;
  /** Only entries after this `seq`. */
  afterSeq?: number;
  /** How long the control plane may be away before this gives up. @default 120_000 */
  awayLimitMs?: number;
  /** Called once each time the connection is lost. */
  onLost?: () => void;
};

/**
 * A deployment's events to its end, each once and in order, across restarts of the control plane: a lost connection is
 * taken up again after the last entry seen. Throws the last `API_UNREACHABLE` when it stays away.
 */
export async function* followDeployment(
  client: Pick<ApiClient, "deployments">,
  id: string,
  options: FollowOptions,
): AsyncGenerator<DeploymentEvent, void, undefined> {
  let seen = options.afterSeq ?? 0;
  let awaySince: number | undefined;
  for (;;) {
    let failure: unknown;
    try {
      const events = client.deployments.events({
        params: { id },
        ...(seen === 0 ? {} : { lastEventId: String(seen) }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      for await (const event of events) {
        awaySince = undefined;
        if (event.type === "entry") seen = event.entry.seq;
        yield event;
        if (event.type === "end") return;
      }
    } catch (error) {
      if (!hasCode(error, "API_UNREACHABLE")) throw error;
      failure = error;
    }
    const now = options.clock.now();
    if (awaySince === undefined) options.onLost?.();
    awaySince ??= now;
    if (now - awaySince > (options.awayLimitMs ?? 120_000))
      throw failure ?? new Error("the event stream ended early");
    await options.clock.sleep(500, options.signal);
  }
}
