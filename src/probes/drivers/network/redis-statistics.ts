import type { DatabaseReading, DatabaseTarget, SlowStatement } from "../../port.ts";
import { RedisSession, type RedisValue } from "./redis-session.ts";

const slowest = 16;

/** One reading for the whole server: its numbered databases share connections, cache and slow log. */
export async function readRedis(target: DatabaseTarget, signal: AbortSignal): Promise<DatabaseReading[]> {
  const session = await RedisSession.open({ ...target, tls: false }, signal);
  try {
    const info = numbersOf(String(await session.ask(["INFO"])));
    const commands = String(await session.ask(["INFO", "commandstats"]));
    const slow = slowOf(await session.ask(["SLOWLOG", "GET", String(slowest)]));
    const [hits, misses] = [info.get("keyspace_hits") ?? 0, info.get("keyspace_misses") ?? 0];
    return [
      {
        database: "redis",
        // Without our own.
        connections: Math.max(0, (info.get("connected_clients") ?? 1) - 1),
        connectionsMax: info.get("maxclients") ?? 0,
        ...(hits + misses === 0 ? {} : { cacheHit: hits / (hits + misses) }),
        statements: totalsOf(commands),
        slow,
      },
    ];
  } finally {
    session.close();
  }
}

function numbersOf(info: string): Map<string, number> {
  const lines = info.matchAll(/^(\w+):(\d+(?:\.\d+)?)\r?$/gm);
  return new Map([...lines].map(([, name = "", value]) => [name, Number(value)]));
}

/** `cmdstat_get:calls=21,usec=175,…` of each command. */
function totalsOf(commands: string): { calls: number; ms: number } {
  const total = { calls: 0, ms: 0 };
  for (const [, calls, usec] of commands.matchAll(/^cmdstat_[^:]+:calls=(\d+),usec=(\d+)/gm)) {
    total.calls += Number(calls);
    total.ms += Number(usec) / 1000;
  }
  return total;
}

/** Entries of the slow log: id, time, microseconds, the command with its arguments; of these only the name is kept. */
function slowOf(answer: RedisValue): SlowStatement[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((entry): SlowStatement[] => {
    if (!Array.isArray(entry)) return [];
    const [id, at, micros, words] = entry;
    if (typeof micros !== "number" || !Array.isArray(words)) return [];
    const ms = micros / 1000;
    const text = `${String(words[0]).slice(0, 40).toUpperCase()}${words.length > 1 ? " …" : ""}`;
    return [{ key: `${String(id)} ${String(at)}`, text, calls: 1, ms, maxMs: ms }];
  });
}
