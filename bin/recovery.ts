import { statfsSync } from "node:fs";
import { join } from "node:path";
import type { AlertWorks } from "../src/alerting/make-alerting.ts";
import { rotateSecret } from "../src/delivery/rotate-secret.ts";
import type { Variables } from "../src/delivery/variables.ts";
import { randomSecret } from "../src/lib/random-secret.ts";
import type { ControlEngine } from "../src/reconciler/control-engine.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import type { RecoveryParts, SecretRenewal } from "../src/recovery/parts.ts";
import { makeRecovery, type RecoveryWorks } from "../src/recovery/works.ts";
import type { Restorer } from "../src/vault/restorer.ts";
import type { Vault } from "../src/vault/vault.ts";
import { restoresOf } from "./recovery-restores.ts";
import { loadBundle } from "./resolve-bundle.ts";

type Parts = Pick<EngineParts, "store" | "clock" | "ids" | "runtime" | "request" | "settings" | "log"> & {
  engine: ControlEngine;
  alerts: Pick<AlertWorks, "alerting" | "notify" | "page">;
  variables: Variables;
  vault: Vault;
  restorer: Restorer;
};

/** Incidents, the recovery tree and drills out of real drivers. */
export function makeRecoveryOf(home: string, parts: Parts): RecoveryWorks {
  const { store, engine, alerts, variables, settings, vault, restorer, ...rest } = parts;
  const { alerting, notify, page } = alerts;
  const stackOf: RecoveryParts["stackOf"] = (scope) => {
    const current = store.scopes.get(scope)?.current;
    const release = current && store.releases.get(current);
    return release && loadBundle(release.bundle, scope.environment, { accepted: true }).stack;
  };
  return makeRecovery({
    ...rest,
    store,
    engine,
    stackOf,
    mask: (scope, text) => variables.masks.mask(scope, text),
    people: {
      notify,
      page,
      onCall: () => alerting.book.onCall(),
      active: () => alerting.active(),
      acknowledge: (alert, reason) => void alerting.acknowledge(alert, { name: "roadstead", reason }),
    },
    holder: settings.holder,
    evidenceFolder: join(home, "evidence"),
    disk: () => fullest([home, "/"]),
    renew: renewal(parts),
    restores: restoresOf({ vault, restorer, stackOf }),
  });
}

function renewal({ store, engine, variables }: Parts): SecretRenewal {
  const { book, secrets, load, masks } = variables;
  const named = (kind: string) => (scope: Parameters<typeof book.list>[0]) =>
    book
      .list(scope)
      .filter((variable) => variable.kind === kind)
      .map(({ name }) => name);
  return {
    names: named("secret"),
    foreign: named("reference"),
    renew: (scope, name, by) => {
      const value = randomSecret();
      masks.remember(scope, { [name]: value });
      return rotateSecret({ store, book, own: secrets.own, engine, load }, { scope, name, value }, by);
    },
  };
}

function fullest(mounts: readonly string[]): { mount: string; share: number } | undefined {
  const all = mounts.flatMap((mount) => {
    try {
      const { blocks, bavail } = statfsSync(mount);
      return blocks === 0 ? [] : [{ mount, share: 1 - bavail / blocks }];
    } catch {
      // A place that can't be asked is no cause that can be named.
      return [];
    }
  });
  return all.sort((a, b) => b.share - a.share)[0];
}
