import type { ReplicaId, Scope } from "../../rollout/ids.ts";
import type { Runtime } from "../../runtime/port.ts";

const lineCount = 20;
const readLimitMs = 2000;

/** The last lines that a replica wrote: what an operator wants to see first when it died. */
export async function lastLines(runtime: Runtime, scope: Scope, replica: ReplicaId): Promise<string[]> {
  const lines: string[] = [];
  try {
    const signal = AbortSignal.timeout(readLimitMs);
    for await (const line of runtime.logs({ scope, replica, tail: lineCount, follow: false }, signal))
      lines.push(line.text);
  } catch {
    // The report of the failure must not fail because the logs are slow or gone; it goes out without them.
  }
  return lines.slice(-lineCount);
}
