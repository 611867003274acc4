import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { isFrozen } from "../src/delivery/freeze.ts";
import { gatesOf } from "../src/delivery/gate-settings.ts";
import { ReleasedWindows } from "../src/delivery/released-windows.ts";
import type { Engine } from "../src/reconciler/engine.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import { HttpRegistry } from "../src/registry/drivers/http.ts";
import type { Scope } from "../src/rollout/ids.ts";
import type { SchedulerParts } from "../src/scheduler/parts.ts";
import { makeUpdates, type Updates } from "../src/scheduler/updates.ts";
import { loginsOf } from "./images.ts";
import { loadBundle } from "./resolve-bundle.ts";

/** `<home>/registries.json`, written by the operator. */
const settingsSchema = z.strictObject({ insecure: z.array(z.string()).default([]) });

/** The registries of the outside world, with the logins of the user who runs the control plane. */
export function makeRegistry(home: string): HttpRegistry {
  return new HttpRegistry({
    loginOf: loginsOf(home),
    insecure: insecureHosts(join(home, "registries.json")),
  });
}

function insecureHosts(path: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // Most installations need none.
    return [];
  }
  const settings = settingsSchema.safeParse(JSON.parse(text));
  if (!settings.success) throw new Error(`${path}: ${z.prettifyError(settings.error)}`);
  return settings.data.insecure;
}

/** What keeps services at the newest image of their channel. */
export function makeUpdatesOf(
  engine: Engine,
  parts: EngineParts & { registry: HttpRegistry } & Pick<SchedulerParts, "onUpdate">,
): Updates {
  const windows = new ReleasedWindows({ store: parts.store, load: loadBundle });
  const frozenBy = (scope: Scope, now: number) => isFrozen(parts.store, scope, now, windows.of(scope))?.why;
  const approvalFor = (scope: Scope) => {
    const current = parts.store.scopes.get(scope)?.current;
    const release = current && parts.store.releases.get(current);
    const model = release && loadBundle(release.bundle, scope.environment, { accepted: true }).model;
    return gatesOf(model || undefined, scope.environment).approval;
  };
  return makeUpdates({ ...parts, engine, frozenBy, approvalFor });
}
