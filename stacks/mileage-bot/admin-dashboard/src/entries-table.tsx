import { type FormEvent, useState } from "react";
import { ask, type Entry, type EntryPage } from "./api.ts";
import { failureOf, useData } from "./use-data.ts";

const metres = { km: 1000, mi: 1609.344 };
type Unit = keyof typeof metres;

export function EntriesTable({ guildId, unit }: { guildId: string; unit: Unit }) {
  const [before, setBefore] = useState<string>();
  const query = before === undefined ? "" : `?before=${before}`;
  const [page, reload] = useData<EntryPage>(`/api/guilds/${guildId}/entries${query}`);
  const [editing, setEditing] = useState<string>();
  const saved = async () => {
    setEditing(undefined);
    await reload();
  };
  return (
    <section>
      <h2>Entries</h2>
      <a href={`/api/guilds/${guildId}/entries.csv`}>Export as CSV</a>
      {page.state === "failed" && <p role="alert">{page.message}</p>}
      {page.state === "ready" && (
        <table>
          <thead>
            <tr>
              <th>Day</th>
              <th>Driver</th>
              <th>Distance</th>
              <th>Note</th>
              <th>By</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {page.data.entries.map((entry) =>
              editing === entry.id ? (
                <EditRow key={entry.id} guildId={guildId} entry={entry} unit={unit} onSaved={saved} />
              ) : (
                <tr key={entry.id}>
                  <td>{entry.drivenOn}</td>
                  <td>{entry.driverName}</td>
                  <td>
                    {inUnit(entry.distanceM, unit)} {unit}
                  </td>
                  <td>{entry.note}</td>
                  <td>{entry.source}</td>
                  <td>
                    <button type="button" onClick={() => setEditing(entry.id)}>
                      Edit
                    </button>
                  </td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      )}
      {page.state === "ready" && page.data.before !== undefined && (
        <button type="button" onClick={() => setBefore(page.data.before)}>
          Older entries
        </button>
      )}
    </section>
  );
}

type EditProps = { guildId: string; entry: Entry; unit: Unit; onSaved: () => Promise<void> };

function EditRow({ guildId, entry, unit, onSaved }: EditProps) {
  const [message, setMessage] = useState<string>();
  const form = `edit-${entry.id}`;
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const change = {
      distanceM: Math.round(Number(given.get("distance")) * metres[unit]),
      drivenOn: String(given.get("drivenOn")),
      note: String(given.get("note")),
    };
    try {
      await ask(`/api/guilds/${guildId}/entries/${entry.id}`, "PATCH", change);
      await onSaved();
    } catch (error) {
      const failure = failureOf(error);
      setMessage(failure.state === "failed" ? failure.message : "Your session has ended; reload to sign in.");
    }
  };
  const distance = inUnit(entry.distanceM, unit);
  return (
    <tr>
      <td>
        <input
          form={form}
          name="drivenOn"
          type="date"
          aria-label="Day"
          required
          defaultValue={entry.drivenOn}
        />
      </td>
      <td>{entry.driverName}</td>
      <td>
        <input
          form={form}
          name="distance"
          type="number"
          step="any"
          aria-label="Distance"
          defaultValue={distance}
        />
      </td>
      <td>
        <input form={form} name="note" maxLength={200} aria-label="Note" defaultValue={entry.note} />
      </td>
      <td>{entry.source}</td>
      <td>
        <form id={form} onSubmit={(event) => void save(event)}>
          <button type="submit">Save entry</button>
        </form>
        {message !== undefined && <p role="alert">{message}</p>}
      </td>
    </tr>
  );
}

function inUnit(distanceM: number, unit: Unit): number {
  return Math.round((distanceM / metres[unit]) * 100) / 100;
}
