import type { Actor } from "../reconciler/engine.ts";
import { maskEverywhere, maskTexts } from "./mask-everywhere.ts";
import type { ApiParts } from "./parts.ts";

/**
 * Runs a change and writes who made it down in the same transaction: there is no change without its audit entry, and
 * none for a change that was refused.
 */
export function audited<T>(
  parts: Pick<ApiParts, "store" | "clock" | "variables">,
  entry: { by: Actor; action: string; target: string },
  change: (detail: (facts: Record<string, unknown>) => void) => T,
): T {
  const { store, clock } = parts;
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
      target: maskEverywhere(parts, target),
      detail: { ...(maskTexts(parts, { ...facts, ...reason }) as object), ...from },
    });
    return result;
  });
}
