import type { Adapter, AdapterPayload } from "oidc-provider";

const mostEntries = 5_000;
const entries = new Map<string, { payload: AdapterPayload; until: number }>();

/** Keeps what oidc-provider has to remember, in memory and bounded. */
export class OidcStore implements Adapter {
  readonly #model: string;

  constructor(model: string) {
    this.#model = model;
  }

  static clear(): void {
    entries.clear();
  }

  async upsert(id: string, payload: AdapterPayload, expiresInSeconds: number): Promise<void> {
    entries.delete(this.#key(id));
    entries.set(this.#key(id), { payload, until: Date.now() + (expiresInSeconds || 3_600) * 1_000 });
    const oldest = entries.keys().next().value;
    if (entries.size > mostEntries && oldest !== undefined) entries.delete(oldest);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const entry = entries.get(this.#key(id));
    return entry && entry.until > Date.now() ? entry.payload : undefined;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#where((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#where((payload) => payload.userCode === userCode);
  }

  async consume(id: string): Promise<void> {
    const entry = entries.get(this.#key(id));
    if (entry) entry.payload.consumed = Math.floor(Date.now() / 1_000);
  }

  async destroy(id: string): Promise<void> {
    entries.delete(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key);
  }

  #where(matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [key, { payload, until }] of entries)
      if (key.startsWith(`${this.#model}:`) && until > Date.now() && matches(payload)) return payload;
    return undefined;
  }

  #key(id: string): string {
    return `${this.#model}:${id}`;
  }
}
