import { applyUnconfirmed } from "../../errors.ts";
import { batches } from "./admin-socket.ts";
import type { Layout } from "./layout.ts";
import { mapLines, parseEntries, replaceEntries, type Send, sameLines } from "./map-changes.ts";
import { type MapEntries, poolField, poolNeeds, type RenderedMaps } from "./render-maps.ts";
import { differences, parseServers, type ServerCommands, type Servers, serverCommands } from "./servers.ts";

/** What a running worker holds that can change without a reload. */
export type RuntimeState = { servers: Servers; maps: RenderedMaps; trusted: readonly string[] };

/** The way from one state to another, smallest first. */
export type RuntimeChange = {
  servers: ServerCommands;
  maps: (keyof RenderedMaps)[];
  /** Holds that begin must hold before their targets go; those that end wait until the new targets serve. */
  poolsFirst: MapEntries | undefined;
  trusted: boolean;
  to: RuntimeState;
};

const mapOrder = ["sticky", "tokens", "routes", "pools"] as const;

export function planRuntime(
  from: RuntimeState | undefined,
  to: RuntimeState,
  actual: Servers,
): RuntimeChange {
  const changed = (name: keyof RenderedMaps) =>
    !from || !sameLines(mapLines(from.maps[name]), mapLines(to.maps[name]));
  return {
    servers: serverCommands(actual, to.servers),
    maps: mapOrder.filter(changed),
    poolsFirst: changed("pools") ? withHolds(from?.maps.pools ?? [], to.maps.pools) : undefined,
    trusted: !from || !sameLines(from.trusted, to.trusted),
    to,
  };
}

/** The new pools with every hold of the old and the new. */
function withHolds(from: MapEntries, to: MapEntries): MapEntries {
  const held = new Set(from.filter(([, value]) => isHeld(value)).map(([key]) => key));
  return to.map(([key, value]) => {
    if (!held.has(key)) return [key, value] as const;
    const fields = value.split("|");
    fields[poolField.hold - 1] = "1";
    fields[poolField.needs - 1] = poolNeeds.more;
    return [key, fields.join("|")] as const;
  });
}

function isHeld(value: string): boolean {
  return value.split("|")[poolField.hold - 1] === "1";
}

/** Carries a change out in one worker: room first, then what points at it, then what is no longer wanted. */
export async function changeRuntime(send: Send, change: RuntimeChange, layout: Layout): Promise<void> {
  const { maps } = change.to;
  for (const line of batches(change.servers.raise)) await send(line);
  if (change.trusted) await replaceEntries(send, "acl", layout.trusted, change.to.trusted);
  if (change.poolsFirst) await replaceEntries(send, "map", layout.maps.pools, mapLines(change.poolsFirst));
  for (const name of change.maps)
    if (name !== "pools") await replaceEntries(send, "map", layout.maps[name], mapLines(maps[name]));
  for (const line of batches(change.servers.lower)) await send(line);
  if (change.maps.includes("pools") && !sameEntries(change.poolsFirst, maps.pools))
    await replaceEntries(send, "map", layout.maps.pools, mapLines(maps.pools));
}

/** Reads back what was changed. Throws EDGE_APPLY_UNCONFIRMED naming what is not as it should be. */
export async function verifyRuntime(send: Send, change: RuntimeChange, layout: Layout): Promise<void> {
  const pools = [...change.servers.changed];
  const texts: string[] = [];
  for (const line of batches(pools.map((pool) => `show servers state ${pool}`))) texts.push(await send(line));
  const wrong = differences(parseServers(texts.join("\n")), change.to.servers, change.servers.changed);
  for (const name of change.maps) {
    const have = parseEntries(await send(`show map ${layout.maps[name]}`));
    if (!sameLines(have, mapLines(change.to.maps[name]))) wrong.push(`${name} map`);
  }
  if (wrong.length > 0) throw applyUnconfirmed(`not as asked: ${wrong.slice(0, 5).join(", ")}`);
}

function sameEntries(a: MapEntries | undefined, b: MapEntries): boolean {
  return a !== undefined && sameLines(mapLines(a), mapLines(b));
}
