import { type Incident, type IncidentEntry, withEntry } from "../policy/incident-record.ts";
import type { Store } from "../store/port.ts";
import { recoveryError } from "./errors.ts";

const collection = "incidents";
const maxListed = 1000;
/** Open ones are kept whatever happens. */
const maxKept = 5000;

/** The durable side of incidents. Keys sort by time. */
export class IncidentBook {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  find(id: string): Incident | undefined {
    return this.#store.records.get<Incident>(collection, id);
  }

  get(id: string): Incident {
    const incident = this.find(id);
    if (!incident) throw recoveryError("INCIDENT_UNKNOWN", `there is no incident ${id}`);
    return incident;
  }

  put(incident: Incident): Incident {
    this.#store.records.put(collection, incident.id, incident);
    return incident;
  }

  /** Changes what is stored now, not what somebody read earlier. */
  change(id: string, change: (incident: Incident) => Incident): Incident {
    return this.#store.transaction(() => this.put(change(this.get(id))));
  }

  note(id: string, entry: IncidentEntry): Incident {
    return this.change(id, (incident) => withEntry(incident, entry));
  }

  /** Newest first. */
  list(limit: number = maxListed): Incident[] {
    return this.#store.records
      .list<Incident>(collection, { limit, newestFirst: true })
      .map(({ value }) => value);
  }

  prune(): void {
    for (const { value } of this.#store.records
      .list<Incident>(collection, { limit: maxKept * 2, newestFirst: true })
      .slice(maxKept))
      if (value.status === "RESOLVED") this.#store.records.remove(collection, value.id);
  }
}
