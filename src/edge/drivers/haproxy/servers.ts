import { httpVariants, type Pool, type Truth } from "./truth.ts";

export type ServerState = {
  host: string;
  port: number;
  weight: number;
  state: "ready" | "drain" | "maint";
};

/** Server (`p7/s1`) -> how it should be or is. A server that is not in it is out of use. */
export type Servers = ReadonlyMap<string, ServerState>;

/** How the truth wants HAProxy's servers, in every variant of their pool. */
export function serversOf(truth: Truth): Servers {
  const servers = new Map<string, ServerState>();
  for (const pool of truth.pools)
    for (const variant of variantsOf(pool, truth))
      for (const { index, host, port, weight, retired } of pool.slots)
        servers.set(`${variant}${pool.index}/s${index}`, {
          ...{ host, port, weight },
          state: retired ? "drain" : "ready",
        });
  return servers;
}

export function variantsOf(pool: Pool, truth: Truth): string[] {
  const tcp = truth.config.internal.some(
    ({ backend, protocol }) => protocol === "tcp" && backend === pool.backend,
  );
  return tcp ? [...httpVariants, "t"] : [...httpVariants];
}

/** Bits of `srv_admin_state` (management guide, `show servers state`). */
const forcedMaintenance = 0x01;
const forcedDrain = 0x08;

/** Parses `show servers state`. Servers out of use are left out. */
export function parseServers(text: string): Map<string, ServerState> {
  const servers = new Map<string, ServerState>();
  let header: readonly string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("# ")) header = line.slice(2).split(" ");
    else if (header.length > 0 && line.includes(" ")) {
      const values = line.split(" ");
      const of = (name: string) => values[header.indexOf(name)] ?? "";
      const admin = Number(of("srv_admin_state"));
      if (!/^[pznylt]\d+$/.test(of("be_name")) || (admin & forcedMaintenance) !== 0) continue;
      servers.set(`${of("be_name")}/${of("srv_name")}`, {
        host: of("srv_addr"),
        port: Number(of("srv_port")),
        weight: Number(of("srv_uweight")),
        state: (admin & forcedDrain) === 0 ? "ready" : "drain",
      });
    }
  }
  return servers;
}

/** Commands from one state to another: `raise` before anything is taken away, `lower` after. */
export type ServerCommands = { raise: string[]; lower: string[]; changed: Set<string> };

export function serverCommands(from: Servers, to: Servers): ServerCommands {
  const commands: ServerCommands = { raise: [], lower: [], changed: new Set() };
  for (const [name, want] of to) {
    const have = from.get(name);
    if (have && sameServer(have, want)) continue;
    commands.changed.add(name.split("/")[0] ?? "");
    const less = have !== undefined && (want.state === "drain" || want.weight < have.weight);
    (less ? commands.lower : commands.raise).push(...change(name, have, want));
  }
  for (const name of from.keys()) {
    if (to.has(name)) continue;
    commands.changed.add(name.split("/")[0] ?? "");
    commands.lower.push(`set server ${name} state maint`);
  }
  return commands;
}

/** A new occupant comes through maintenance, so that no idle connection to its predecessor is used again. */
function change(name: string, have: ServerState | undefined, want: ServerState): string[] {
  const moved = have === undefined || have.host !== want.host || have.port !== want.port;
  return [
    ...(moved && have ? [`set server ${name} state maint`] : []),
    ...(moved ? [`set server ${name} addr ${want.host} port ${want.port}`] : []),
    ...(have?.weight === want.weight && !moved ? [] : [`set server ${name} weight ${want.weight}`]),
    ...(have?.state === want.state && !moved ? [] : [`set server ${name} state ${want.state}`]),
  ];
}

/** Names of servers that are not as wanted, among those of the given pools. */
export function differences(actual: Servers, wanted: Servers, pools: ReadonlySet<string>): string[] {
  const names = new Set([...actual.keys(), ...wanted.keys()]);
  return [...names].filter((name) => {
    if (!pools.has(name.split("/")[0] ?? "")) return false;
    const a = actual.get(name);
    const b = wanted.get(name);
    return !(a && b && sameServer(a, b));
  });
}

function sameServer(a: ServerState, b: ServerState): boolean {
  return a.host === b.host && a.port === b.port && a.weight === b.weight && a.state === b.state;
}
