import type { Tell } from "./report.ts";
import { isMapping, type Mapping } from "./values.ts";

/**
 * Compose replaces `x-` keys of an earlier file as a whole. So a later file that sets one thing under `x-roadstead`
 * takes everything else away, routes included: said before it happens.
 */
export function tellLostSettings(base: Mapping, over: Mapping, warn: Tell): void {
  const services = { before: base["services"], now: over["services"] };
  if (!isMapping(services.before) || !isMapping(services.now)) return;
  for (const [name, service] of Object.entries(services.now)) {
    const earlier = services.before[name];
    if (!isMapping(service) || !isMapping(earlier)) continue;
    const [kept, set] = [earlier["x-roadstead"], service["x-roadstead"]];
    if (!isMapping(kept) || !isMapping(set)) continue;
    const lost = Object.keys(kept).filter((key) => !Object.hasOwn(set, key));
    if (lost.length === 0) continue;
    warn(
      "SETTINGS_REPLACED",
      `this replaces the whole x-roadstead of an earlier file: ${lost.join(", ")} ${lost.length === 1 ? "is" : "are"} gone`,
      ["services", name, "x-roadstead"],
      "repeat here what shall stay; Compose replaces `x-` keys as a whole",
    );
  }
}
