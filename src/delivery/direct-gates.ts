import type { Clock } from "../lib/clock.ts";
import type { Actor } from "../reconciler/engine.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { LoadedStack } from "../stack/load-stack.ts";
import type { Bundle, Store } from "../store/port.ts";
import { DeliveryError } from "./errors.ts";
import { closedText, isFrozen } from "./freeze.ts";
import { type GateSettings, gatesOf } from "./gate-settings.ts";
import { approvalText } from "./phases/approve.ts";

export type DirectGateParts = {
  store: Store;
  clock: Clock;
  load: (bundle: Bundle, environment: string, options?: { accepted: boolean }) => LoadedStack;
};

/**
 * The gates of a run, for a deployment that comes without one: from the command line or the API. Such a deployment
 * can't wait for a person or be scanned, so it is refused, unless somebody who may says why it goes on all the same.
 */
export class DirectGates {
  readonly #parts: DirectGateParts;

  constructor(parts: DirectGateParts) {
    this.#parts = parts;
  }

  /** Throws what stands against it; else it may be deployed, and an override is in the audit trail. */
  pass(scope: Scope, bundle: Bundle, by: Actor & { override?: string }): void {
    const { store, clock } = this.#parts;
    const settings = this.#settings(scope, bundle);
    const against = this.#against(scope, settings);
    if (against.length === 0) return;
    if (by.override === undefined) throw new DeliveryError("DELIVERY_GATED", against.join("; "));
    const denied = settings
      .flatMap(({ approval }) => (approval ? [approval.approvers] : []))
      .find((approvers) => approvers.length > 0 && !approvers.includes(by.name));
    if (denied)
      throw new DeliveryError(
        "DELIVERY_APPROVAL_REFUSED",
        `${by.name} is not among the approvers (${denied.join(", ")}), who alone may override the gates of ${scope.environment}`,
      );
    store.audit.append({
      at: clock.now(),
      actor: by.name,
      action: "deploy.override",
      target: scopeKey(scope),
      detail: { against, reason: by.override },
    });
  }

  /** What is sent counts and what runs: nobody takes a gate away by leaving it out of their own copy of the file. */
  #settings(scope: Scope, bundle: Bundle): GateSettings[] {
    const { store, load } = this.#parts;
    const current = store.scopes.get(scope)?.current;
    const release = current && store.releases.get(current);
    const sent = load(bundle, scope.environment).model;
    const running = release && load(release.bundle, scope.environment, { accepted: true }).model;
    return [sent, running].map((model) => gatesOf(model, scope.environment));
  }

  #against(scope: Scope, settings: readonly GateSettings[]): string[] {
    const { store, clock } = this.#parts;
    const { environment } = scope;
    const found = settings.flatMap(({ windows, approval, before, scannerRequired }) => {
      const closed = isFrozen(store, scope, clock.now(), windows);
      return [
        ...(closed ? [closedText(environment, closed)] : []),
        ...(approval ? [`${environment} ${approvalText(approval)}`] : []),
        ...(before.length > 0 ? [`${environment} comes after ${before.join(" and ")}`] : []),
        ...(scannerRequired ? [`${environment} takes only what was scanned`] : []),
      ];
    });
    return [...new Set(found)];
  }
}
