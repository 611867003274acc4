import { z } from "zod";

const day = z.iso
  .date("must be a day like 2026-11-21")
  .refine((text) => text >= "2000-01-01" && text <= "2100-01-01", "is out of range");
const id = z.string().regex(/^\d{1,20}$/, "must be a Discord id");

/** Distance in metres, so that a change of the guild's unit changes no entry. */
export const distanceSchema = z.number().int().min(1).max(5_000_000);
export const noteSchema = z.string().trim().max(200);
export const idempotencyKeySchema = z
  .string({ error: "the header Idempotency-Key is missing" })
  .regex(/^[\w:.-]{8,128}$/, "must be 8 to 128 of A-Z a-z 0-9 _ : . -");

export const newEntrySchema = z.strictObject({
  driverId: id,
  driverName: z.string().trim().min(1).max(100),
  distanceM: distanceSchema,
  drivenOn: day,
  note: noteSchema.default(""),
});

export const changeEntrySchema = z
  .strictObject({ distanceM: distanceSchema, drivenOn: day, note: noteSchema })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "nothing to change");

export type EntryChange = z.output<typeof changeEntrySchema>;

/** What somebody asked to record; the key makes it the same entry however often it is sent. */
export const submittedEntrySchema = newEntrySchema.extend({
  guildId: id,
  source: z.enum(["slash", "api"]),
  idempotencyKey: idempotencyKeySchema,
  acceptedAt: z.iso.datetime(),
});
export type SubmittedEntry = z.output<typeof submittedEntrySchema>;

export type StoredEntry = {
  id: string;
  guildId: string;
  driverId: string;
  driverName: string;
  distanceM: number;
  drivenOn: string;
  note: string;
  source: "slash" | "api";
  storedAt: string;
  editedAt: string | null;
  editedBy: string | null;
};

/** A repeated request is only a repetition if it says the same. */
export function saysTheSame(
  left: Pick<SubmittedEntry, "driverId" | "distanceM" | "drivenOn" | "note">,
  right: Pick<SubmittedEntry, "driverId" | "distanceM" | "drivenOn" | "note">,
): boolean {
  return (
    left.driverId === right.driverId &&
    left.distanceM === right.distanceM &&
    left.drivenOn === right.drivenOn &&
    left.note === right.note
  );
}
