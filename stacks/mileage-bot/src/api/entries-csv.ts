import { once } from "node:events";
import type { Response } from "express";
import type { StoredEntry } from "../mileage/entry.ts";
import type { EntryStore } from "../mileage/entry-store.ts";

const pageSize = 500;
const header = "id,driver_id,driver_name,driven_on,distance_m,note,source,stored_at\r\n";

/** Streams all entries page by page, so the size of the table does not matter. */
export async function writeCsv(response: Response, entries: EntryStore, guildId: string): Promise<void> {
  let page = await entries.list(guildId, pageSize);
  response.attachment(`mileage-${guildId}.csv`).type("text/csv");
  response.write(header);
  while (page.length > 0) {
    if (!response.write(page.map(renderRow).join(""))) await once(response, "drain");
    if (page.length < pageSize) break;
    page = await entries.list(guildId, pageSize, page.at(-1)?.id);
  }
  response.end();
}

export function renderRow(entry: StoredEntry): string {
  const { id, driverId, driverName, drivenOn, distanceM, note, source, storedAt } = entry;
  const cells = [id, driverId, driverName, drivenOn, String(distanceM), note, source, storedAt];
  return `${cells.map(renderCell).join(",")}\r\n`;
}

/** A text that a spreadsheet would run as a formula is made plain by a leading apostrophe. */
function renderCell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
