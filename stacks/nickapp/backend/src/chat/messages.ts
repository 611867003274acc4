import { z } from "zod";
import type { Person } from "../auth/access-tokens.ts";
import { type Database, insertOnce, type Message } from "../platform/database.ts";

export const newMessage = z.object({
  deal: z.string().min(1).max(100),
  /** Made by the client, once per message: sending again after a lost connection changes nothing. */
  id: z.string().regex(/^[\w-]{8,64}$/),
  body: z.string().trim().min(1).max(4000),
});

/** Stores a message before anybody hears of it; what was stored before under this id is returned as it is. */
export async function storeMessage(
  database: Database,
  sender: Pick<Person, "id" | "name">,
  { deal, id, body }: z.infer<typeof newMessage>,
): Promise<{ message: Message; isNew: boolean }> {
  const message: Message = {
    _id: `${deal}:${sender.id}:${id}`,
    deal,
    from: sender.id,
    fromName: sender.name,
    body,
    sentAt: new Date(),
  };
  if (await insertOnce(database.messages, message)) return { message, isNew: true };
  const before = await database.messages.findOne({ _id: message._id });
  return { message: before ?? message, isNew: false };
}
