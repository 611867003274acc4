/** A deal: an offer that the buyer accepted. Its state is nowhere stored; it follows from its events. */
export type DealDocument = {
  /** That of the request: one deal at most comes of it. */
  _id: string;
  title: string;
  buyer: string;
  buyerName: string;
  seller: string;
  sellerName: string;
  cents: number;
  createdAt: Date;
};

export type DealEvent = {
  /** `<deal>:<sequence>`: of two writers of the same step the database lets one pass. */
  _id: string;
  deal: string;
  sequence: number;
  by: string;
  at: Date;
  kind: "funded" | "released" | "disputed" | "decided";
  /** Who got the money, with `released` and `decided`. */
  beneficiary?: string;
  cents?: number;
  reason?: string;
};

export type DealState = "awaiting-payment" | "funded" | "disputed" | "released" | "decided";

const next: Record<DealState, readonly DealEvent["kind"][]> = {
  "awaiting-payment": ["funded"],
  funded: ["released", "disputed"],
  disputed: ["decided"],
  released: [],
  decided: [],
};

export function stateOf(events: readonly Pick<DealEvent, "kind" | "sequence">[]): DealState {
  const last = events.reduce<Pick<DealEvent, "kind" | "sequence"> | undefined>(
    (latest, event) => (latest === undefined || event.sequence > latest.sequence ? event : latest),
    undefined,
  );
  return last?.kind ?? "awaiting-payment";
}

export function isAllowed(state: DealState, kind: DealEvent["kind"]): boolean {
  return next[state].includes(kind);
}
