import type { RoleName } from "./settings.ts";

export type RoleState = "off" | "starting" | "up" | "degraded";
export type RoleView = { state: RoleState; detail?: string; since: string };

/** What each role of this program is doing, for the health answers. A role that is off stays off. */
export class RoleBoard {
  readonly #roles = new Map<RoleName, RoleView>();

  constructor(all: readonly RoleName[], wanted: readonly RoleName[]) {
    for (const role of all) this.#put(role, wanted.includes(role) ? "starting" : "off");
  }

  set(role: RoleName, state: Exclude<RoleState, "off">, detail?: string): void {
    const known = this.#roles.get(role);
    if (known?.state === "off" || (known?.state === state && known.detail === detail)) return;
    this.#put(role, state, detail);
  }

  view(): Record<string, RoleView> {
    return Object.fromEntries(this.#roles);
  }

  /** All wanted roles are up. */
  get complete(): boolean {
    return [...this.#roles.values()].every(({ state }) => state === "up" || state === "off");
  }

  #put(role: RoleName, state: RoleState, detail?: string): void {
    this.#roles.set(role, {
      state,
      ...(detail === undefined ? {} : { detail }),
      since: new Date().toISOString(),
    });
  }
}
