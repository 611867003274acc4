import { createHash } from "node:crypto";

const jitterMinutes = 10;
const latestMinutes = 12 * 60;

/**
 * The day whose post is due now, if any: from the guild's hour (UTC) plus its own jitter on, for twelve hours.
 * The jitter spreads guilds over ten minutes and is the same at every look, restarts included.
 */
export function dueDay(guildId: string, hour: number, now: Date): string | undefined {
  const today = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()));
  for (const back of [0, 1]) {
    const day = new Date(today.getTime() - back * 86_400_000).toISOString().slice(0, 10);
    const from = Date.parse(`${day}T00:00:00Z`) + (hour * 60 + jitterOf(guildId, day)) * 60_000;
    if (now.getTime() >= from && now.getTime() < from + latestMinutes * 60_000) return day;
  }
  return undefined;
}

function jitterOf(guildId: string, day: string): number {
  return createHash("sha256").update(`${guildId} ${day}`).digest().readUInt16BE(0) % jitterMinutes;
}
