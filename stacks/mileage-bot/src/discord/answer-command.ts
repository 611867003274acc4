import { z } from "zod";
import { isAway } from "../database/failure.ts";
import type { GuildConfigs } from "../guild-config.ts";
import { newEntrySchema } from "../mileage/entry.ts";
import type { EntryStore } from "../mileage/entry-store.ts";
import type { Recorder } from "../mileage/recorder.ts";
import { renderAmount, renderDistance, toMetres } from "../mileage/units.ts";

export type CommandCall = {
  /** Unique for each use of a command: the idempotency key of what it records. */
  interactionId: string;
  guildId: string;
  user: { id: string; name: string };
  command: string;
  distance?: number;
  note?: string;
  date?: string;
};

export type AnswerParts = { recorder: Recorder; entries: EntryStore; configs: GuildConfigs; now: () => Date };

/** The text of the reply; knows nothing of the gateway. */
export async function answerCommand(call: CommandCall, parts: AnswerParts): Promise<string> {
  switch (call.command) {
    case "log-mileage":
      return logMileage(call, parts);
    case "my-mileage":
      return myMileage(call, parts);
    default:
      return "I do not know this command.";
  }
}

async function logMileage(call: CommandCall, { recorder, configs, now }: AnswerParts): Promise<string> {
  const config = await configs.forReply(call.guildId);
  const parsed = newEntrySchema.safeParse({
    driverId: call.user.id,
    driverName: call.user.name,
    distanceM: toMetres(call.distance ?? 0, config.unit),
    drivenOn: call.date ?? now().toISOString().slice(0, 10),
    note: call.note ?? "",
  });
  if (!parsed.success) return `Not recorded: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`;
  const outcome = await recorder.record({
    ...parsed.data,
    guildId: call.guildId,
    source: "slash",
    idempotencyKey: `interaction:${call.interactionId}`,
    acceptedAt: now().toISOString(),
  });
  const distance = renderDistance(parsed.data.distanceM, config.unit);
  const amount = renderAmount(parsed.data.distanceM, config.unit, config.rateCents, config.currency);
  switch (outcome.kind) {
    case "stored":
      return `Recorded ${distance} (${amount}).`;
    case "queued":
      return `Noted ${distance} (${amount}). The database is away; it will be stored as soon as it is back.`;
    case "key-taken":
      return "Not recorded: this command was already used for another entry.";
    case "full":
      return "Not recorded: the database has been away for too long. Please try again later.";
  }
}

async function myMileage(call: CommandCall, { entries, configs, now }: AnswerParts): Promise<string> {
  const config = await configs.forReply(call.guildId);
  const [from, to] = monthOf(now());
  try {
    const month = await entries.sum(call.guildId, call.user.id, from, to);
    const amount = renderAmount(month.distanceM, config.unit, config.rateCents, config.currency);
    return `This month: ${renderDistance(month.distanceM, config.unit)} in ${month.entries} drives (${amount}).`;
  } catch (error) {
    if (!isAway(error)) throw error;
    return "The database is away; please ask again in a minute.";
  }
}

/** First day of the month and of the next, in UTC. */
export function monthOf(now: Date): [string, string] {
  const first = (months: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1)).toISOString().slice(0, 10);
  return [first(0), first(1)];
}
