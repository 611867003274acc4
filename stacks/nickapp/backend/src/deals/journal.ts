import { type Database, insertOnce } from "../platform/database.ts";
import { conflict, forbidden, notFound } from "../platform/http-error.ts";
import { type DealDocument, type DealEvent, type DealState, isAllowed, stateOf } from "./fold-deal.ts";

export type DealView = { deal: DealDocument; events: DealEvent[]; state: DealState };
export type NewEvent = Pick<DealEvent, "kind" | "by" | "beneficiary" | "cents" | "reason">;

export async function readDeal(database: Database, id: string): Promise<DealView> {
  const deal = await database.deals.findOne({ _id: id });
  if (!deal) throw notFound("deal");
  const events = await database.dealEvents.find({ deal: id }).sort({ sequence: 1 }).limit(20).toArray();
  return { deal, events, state: stateOf(events) };
}

/**
 * Adds the next event of a deal. Money moves with `released` and `decided`, so each must happen once whatever retries,
 * replicas and impatient people do: the sequence number is part of the id, and the second writer is refused.
 */
export async function append(database: Database, view: DealView, event: NewEvent): Promise<DealView> {
  if (!isAllowed(view.state, event.kind))
    throw conflict(`a deal that is ${view.state} cannot be ${event.kind}`);
  const sequence = view.events.length + 1;
  const id = view.deal._id;
  const document: DealEvent = { _id: `${id}:${sequence}`, deal: id, sequence, at: new Date(), ...event };
  if (!(await insertOnce(database.dealEvents, document)))
    throw conflict("somebody else was faster; look at the deal again");
  return { deal: view.deal, events: [...view.events, document], state: event.kind };
}

/** Buyer, seller, and during and after a dispute whoever decides it. */
export function mayRead(view: DealView, person: { id: string; role: string }): boolean {
  const { buyer, seller } = view.deal;
  if (person.id === buyer || person.id === seller) return true;
  return person.role === "arbiter" && view.events.some(({ kind }) => kind === "disputed");
}

export async function dealFor(
  database: Database,
  id: string,
  person: { id: string; role: string },
): Promise<DealView> {
  const view = await readDeal(database, id);
  if (!mayRead(view, person)) throw forbidden();
  return view;
}

/** Money that a person got by deals, counted from the events that gave it. */
export async function balanceOf(database: Database, user: string): Promise<number> {
  const events = await database.dealEvents.find({ beneficiary: user }).toArray();
  return events.reduce((sum, event) => sum + (event.cents ?? 0), 0);
}
