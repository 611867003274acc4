import type { Actor } from "../reconciler/engine.ts";
import type { ApiParts } from "./parts.ts";

/**
 * Runs a change and writes who made it down in the same transaction: there is no change without its audit entry, and
 * none for a change that was refused.
 */
export function audited<T>(
  { store, clock }: Pick<ApiParts, "store" | "clock">,
  entry: { by: Actor; action: string; target: string },
  change: (detail: (facts: Record<string, unknown>) => void) => T,
): T {
  return store.transaction(() => {
    let facts: Record<string, unknown> = {};
    const result = change((given) => {
      facts = given;
    });
    const { by, action, target } = entry;
    const from = by.from === undefined ? {} : { from: by.from };
    const reason = by.reason === "" ? {} : { reason: by.reason };
    store.audit.append({
      at: clock.now(),
      actor: by.name,
      action,
      target,
      detail: { ...facts, ...reason, ...from },
    });
    return result;
  });
}
