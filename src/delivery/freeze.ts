import { type Closed, closedBy, type Freeze, type WeeklyWindow } from "../policy/freeze.ts";
import type { Actor } from "../reconciler/engine.ts";
import type { Scope } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";
import { gateSettings } from "./gate-settings.ts";
import type { PhaseOutcome, RunWorld } from "./phase.ts";
import type { Run } from "./run.ts";

const collection = "freezes";
/** A freeze that is taken off, or a window that somebody opens, is noticed this soon. */
const lookAgainMs = 30_000;

export type FreezeRecord = Freeze & { id: string; by: string; at: number };

export function freezes(store: Store): FreezeRecord[] {
  return store.records.list<FreezeRecord>(collection).map(({ value }) => value);
}

export function putFreeze(store: Store, freeze: FreezeRecord): void {
  store.records.put(collection, freeze.id, freeze);
}

export function removeFreeze(store: Store, id: string): void {
  store.records.remove(collection, id);
}

/** Why nothing may be rolled out there now, and until when; undefined: it may. */
export function isFrozen(
  store: Store,
  scope: Scope,
  now: number,
  windows: readonly WeeklyWindow[] = [],
): Closed | undefined {
  return closedBy({ freezes: freezes(store), windows }, scope, now);
}

/** Undefined as soon as the run may deploy there, because it is open or because somebody said so. */
export async function waitForOpening(world: RunWorld, scope: Scope): Promise<PhaseOutcome | undefined> {
  const { run, parts, book, control, say, gathered } = world;
  const wish = control();
  if (wish?.kind === "override") {
    const { by, reason } = wish;
    const override = { by, reason, at: parts.clock.now() };
    book.update(run.id, ({ control: _used, ...rest }) => ({ ...rest, override }));
    say(`• goes on although it is closed: ${by}: ${reason}`);
  }
  if (book.get(run.id)?.override) return undefined;
  const own = scope.environment === run.scope.environment;
  const windows = own ? (await gateSettings({ run, gathered })).windows : [];
  const now = parts.clock.now();
  const closed = isFrozen(parts.store, scope, now, windows);
  if (!closed) return undefined;
  const againMs = Math.min(lookAgainMs, Math.max(1, (closed.until ?? Number.POSITIVE_INFINITY) - now));
  return { kind: "waiting", detail: closedText(scope.environment, closed), againMs };
}

/** One line for people: why, and until when. */
export function closedText(environment: string, { why, until }: Closed): string {
  const opens = until === undefined ? "" : `; opens at ${timeText(until)}`;
  return `${environment} is closed (${why})${opens}`;
}

/** Whether a run waits for an opening, or looks just now whether there is one. */
export function isHeld({ phases, override, deployment }: Run): boolean {
  const holding = phases.some(
    ({ name, state, detail }) =>
      (name === "stage" || name === "deploy") &&
      (state === "waiting" || (state === "running" && detail !== undefined)),
  );
  return holding && override === undefined && deployment === undefined;
}

/** A run that goes on at once, although its environment is closed. */
export function overrideControl(by: Actor): { kind: "override"; by: string; reason: string } {
  return { kind: "override", by: by.name, reason: by.reason };
}

function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
