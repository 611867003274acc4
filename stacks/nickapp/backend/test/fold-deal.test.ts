import assert from "node:assert/strict";
import { test } from "node:test";
import { type DealEvent, isAllowed, stateOf } from "../src/deals/fold-deal.ts";

const event = (sequence: number, kind: DealEvent["kind"]) => ({ sequence, kind });

test("a deal's state is its last event, in whatever order they are read", () => {
  assert.equal(stateOf([]), "awaiting-payment");
  assert.equal(stateOf([event(2, "disputed"), event(3, "decided"), event(1, "funded")]), "decided");
});

test("money leaves escrow once: nothing follows a release or a decision (R-311)", () => {
  for (const kind of ["funded", "released", "disputed", "decided"] as const) {
    assert.equal(isAllowed("released", kind), false);
    assert.equal(isAllowed("decided", kind), false);
  }
});

test("nothing is released, disputed or decided before it is paid (R-311)", () => {
  assert.equal(isAllowed("awaiting-payment", "funded"), true);
  for (const kind of ["released", "disputed", "decided"] as const)
    assert.equal(isAllowed("awaiting-payment", kind), false);
});
