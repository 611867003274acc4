import { type Scope, scopeKey } from "../rollout/ids.ts";
import { logError } from "./errors.ts";

/** Where a line stands among all lines: by time, then stack and environment, then the order in which it came. */
export type Place = { at: number; scope: string; seq: number };

export function comparePlaces(a: Place, b: Place): number {
  if (a.at !== b.at) return a.at - b.at;
  if (a.scope !== b.scope) return a.scope < b.scope ? -1 : 1;
  return a.seq - b.seq;
}

/** `m3x1k2f-1a-shop/production`: time and number in base 36, so that it fits in a URL and sorts by eye. */
export function placeText(place: Place): string {
  return `${place.at.toString(36)}-${place.seq.toString(36)}-${place.scope}`;
}

/** @throws LOGS_CURSOR_INVALID */
export function parsePlace(text: string): Place {
  const [, at = "", seq = "", scope = ""] = /^([0-9a-z]{1,11})-([0-9a-z]{1,11})-(.{0,200})$/.exec(text) ?? [];
  if (at === "") throw logError("LOGS_CURSOR_INVALID", "the cursor is not one of this log store");
  return { at: Number.parseInt(at, 36), seq: Number.parseInt(seq, 36), scope };
}

/** Everything before `at` lies before this place, everything from `at` on behind it. */
export function startOf(at: number): Place {
  return { at, scope: "", seq: 0 };
}

export function lineId(at: number, seq: number, scope: Scope): string {
  return placeText({ at, seq, scope: scopeKey(scope) });
}
