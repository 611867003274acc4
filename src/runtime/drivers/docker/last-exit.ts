import type { EngineClient } from "./client.ts";
import type { ContainerInspect } from "./engine-types.ts";

type DieEvent = { Actor: { Attributes: Record<string, string> } };

/**
 * With which code the life before the present one ended, when the engine's restart policy has started the container
 * again: then its state says 0. The engine keeps its last 256 events, so `undefined` means that it has forgotten.
 */
export async function lastExitCode(
  client: EngineClient,
  container: ContainerInspect,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (container.RestartCount === 0 || !container.State.Running || container.State.Restarting)
    return undefined;
  const text = await client.text({
    method: "GET",
    path: "/events",
    query: {
      since: unixTime(container.State.FinishedAt),
      until: unixTime(container.State.StartedAt),
      filters: JSON.stringify({ container: [container.Id], event: ["die"] }),
    },
    signal,
  });
  const latest = text.trim().split("\n").at(-1);
  if (!latest) return undefined;
  const code = Number((JSON.parse(latest) as DieEvent).Actor.Attributes["exitCode"]);
  return Number.isInteger(code) ? code : undefined;
}

/** Seconds with a fraction, as the engine's event query takes them. */
function unixTime(text: string): string {
  return (Date.parse(text) / 1000).toFixed(3);
}
