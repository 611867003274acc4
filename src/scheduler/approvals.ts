import { refusalOf } from "../policy/approval.ts";
import type { Actor } from "../reconciler/engine.ts";
import type { Scope } from "../rollout/ids.ts";
import type { PinnedImage } from "../store/port.ts";
import { updateError } from "./errors.ts";
import type { SchedulerParts } from "./parts.ts";
import { CurrentServices } from "./updatable.ts";
import type { UpdateApproval } from "./update-approval.ts";
import { UpdateBook, updateKey } from "./update-book.ts";

/** An image of a registry that is rolled out as soon as somebody lets it through. */
export type AwaitingUpdate = {
  scope: Scope;
  service: string;
  running: PinnedImage;
  newest: PinnedImage;
  approval: UpdateApproval;
};

/** What people decide about updates. */
export class UpdateApprovals {
  readonly #parts: Pick<SchedulerParts, "store" | "resolve" | "clock">;
  readonly #services: CurrentServices;
  readonly #book: UpdateBook;
  readonly #poke: (scope: Scope, services: readonly string[]) => unknown;

  constructor(
    parts: Pick<SchedulerParts, "store" | "resolve" | "clock">,
    poke: (scope: Scope, services: readonly string[]) => unknown,
  ) {
    this.#parts = parts;
    this.#services = new CurrentServices(parts);
    this.#book = new UpdateBook(parts.store);
    this.#poke = poke;
  }

  awaiting(): AwaitingUpdate[] {
    return this.#services.updatable().flatMap(({ scope, service, running }) => {
      const { verdict, approval, newest } = this.#book.get(scope, service) ?? {};
      const waits = verdict === "awaiting" && approval && approval.decision === undefined && newest;
      return waits ? [{ scope, service, running, newest, approval }] : [];
    });
  }

  /** Lets the image through that was asked about, or never; it is looked at again at once. */
  decide(wish: { scope: Scope; service: string; kind: "approve" | "reject" }, by: Actor): AwaitingUpdate {
    const { scope, service, kind } = wish;
    const key = updateKey(scope, service);
    const found = this.awaiting().find((one) => updateKey(one.scope, one.service) === key);
    const record = this.#book.get(scope, service);
    if (!found || !record) throw updateError("UPDATE_NOT_WAITING", `no update of ${key} awaits approval`);
    const registry = { requestedBy: "auto-update", author: "auto-update" };
    const refusal = refusalOf(found.approval.rule, { kind, by: by.name }, registry);
    if (refusal !== undefined) throw updateError("UPDATE_APPROVAL_REFUSED", refusal);
    const decision = { kind, by: by.name, reason: by.reason, at: this.#parts.clock.now() };
    const approval = { ...found.approval, decision };
    this.#book.put(scope, service, { ...record, approval });
    this.#poke(scope, [service]);
    return { ...found, approval };
  }
}
