import { createHmac, randomBytes } from "node:crypto";
import { type Scope, scopeKey } from "../../rollout/ids.ts";
import { auditGenesis, auditHash, firstBrokenEntry } from "../audit-chain.ts";
import { defaultRecordLimit, emptyScope, keepOutputOfDeployments, unfinishedStates } from "../defaults.ts";
import { storeError } from "../errors.ts";
import type {
  ApiToken,
  AuditEntry,
  AuditStore,
  Deployment,
  DeploymentStore,
  JournalEntry,
  LeaseStore,
  RecordQuery,
  RecordStore,
  Release,
  ReleaseStore,
  ScopeState,
  ScopeStore,
  SecretStore,
  Store,
  TokenStore,
} from "../port.ts";

/** Values in these maps are never changed in place, so a shallow copy of the maps is a snapshot. */
type Data = {
  releases: Map<string, Release>;
  deployments: Map<string, Deployment>;
  journal: JournalEntry[];
  lastSeq: number;
  scopes: Map<string, ScopeState>;
  edgeVersion: number;
  leases: Map<string, { holder: string; until: number }>;
  audit: AuditEntry[];
  tokens: Map<string, ApiToken & { secretHash: string }>;
  secrets: Map<string, Uint8Array>;
  /** Collection and key with a NUL between them -> JSON text. */
  records: Map<string, string>;
};

type Memory = {
  data: Data;
  listeners: Set<(entry: JournalEntry) => void>;
  depth: number;
  /** Entries whose listeners wait for the end of the transaction. */
  pending: JournalEntry[];
};

/** The store without a disk: for tests and for trying things out. Same behaviour as sqlite, minus surviving the process. */
export function createMemoryStore(): Store {
  const memory: Memory = { data: emptyData(), listeners: new Set(), depth: 0, pending: [] };
  return {
    name: "memory",
    releases: releaseStore(memory),
    deployments: deploymentStore(memory),
    scopes: scopeStore(memory),
    leases: leaseStore(memory),
    audit: auditStore(memory),
    tokens: tokenStore(memory),
    secrets: secretStore(memory),
    records: recordStore(memory),
    transaction: (work) => transaction(memory, work),
    close: () => memory.listeners.clear(),
  };
}

function emptyData(): Data {
  return {
    releases: new Map(),
    deployments: new Map(),
    journal: [],
    lastSeq: 0,
    scopes: new Map(),
    edgeVersion: 0,
    leases: new Map(),
    audit: [],
    tokens: new Map(),
    secrets: new Map(),
    records: new Map(),
  };
}

function snapshot(data: Data): Data {
  return {
    ...data,
    releases: new Map(data.releases),
    deployments: new Map(data.deployments),
    journal: [...data.journal],
    scopes: new Map(data.scopes),
    leases: new Map(data.leases),
    audit: [...data.audit],
    tokens: new Map(data.tokens),
    secrets: new Map(data.secrets),
    records: new Map(data.records),
  };
}

function transaction<T>(memory: Memory, work: () => T): T {
  const before = snapshot(memory.data);
  const heard = memory.pending.length;
  memory.depth += 1;
  try {
    return work();
  } catch (error) {
    memory.data = before;
    memory.pending.length = heard;
    throw error;
  } finally {
    memory.depth -= 1;
    tell(memory);
  }
}

function tell(memory: Memory): void {
  if (memory.depth > 0) return;
  for (const entry of memory.pending.splice(0))
    for (const listener of [...memory.listeners]) listener(structuredClone(entry));
}

function sameScope(a: Scope, b: Scope): boolean {
  return a.stack === b.stack && a.environment === b.environment;
}

function releaseStore(memory: Memory): ReleaseStore {
  const of = (scope: Scope) =>
    [...memory.data.releases.values()]
      .filter((release) => sameScope(release.scope, scope))
      .sort((a, b) => b.number - a.number);
  return {
    create(release) {
      if (memory.data.releases.has(release.id))
        throw storeError("STORE_CONFLICT", `release ${release.id} exists already`);
      const created = structuredClone({ ...release, number: (of(release.scope)[0]?.number ?? 0) + 1 });
      memory.data.releases.set(created.id, created);
      return structuredClone(created);
    },
    get: (id) => structuredClone(memory.data.releases.get(id)),
    list: (scope, limit) => structuredClone(of(scope).slice(0, limit)),
  };
}

function deploymentStore(memory: Memory): DeploymentStore {
  /** Oldest first: maps keep the order of creation. */
  const of = (scope: Scope | "all") =>
    [...memory.data.deployments.values()].filter((d) => scope === "all" || sameScope(d.scope, scope));
  return {
    create(deployment) {
      if (memory.data.deployments.has(deployment.id))
        throw storeError("STORE_CONFLICT", `deployment ${deployment.id} exists already`);
      memory.data.deployments.set(deployment.id, structuredClone(deployment));
      const old = new Set(
        of(deployment.scope)
          .slice(0, -keepOutputOfDeployments)
          .map((d) => d.id),
      );
      if (old.size > 0)
        memory.data.journal = memory.data.journal.filter(
          (entry) => entry.event !== "output" || !old.has(entry.deployment),
        );
    },
    get: (id) => structuredClone(memory.data.deployments.get(id)),
    update(id, changes) {
      const present = memory.data.deployments.get(id);
      if (!present) throw storeError("STORE_NOT_FOUND", `there is no deployment ${id}`);
      memory.data.deployments.set(id, structuredClone({ ...present, ...changes }));
    },
    list: (scope, limit) => structuredClone(of(scope).reverse().slice(0, limit)),
    unfinished: (scope) => structuredClone(of(scope).filter((d) => unfinishedStates.includes(d.state))),
    append(entry) {
      if (!memory.data.deployments.has(entry.deployment))
        throw storeError("STORE_NOT_FOUND", `there is no deployment ${entry.deployment}`);
      memory.data.lastSeq += 1;
      const appended: JournalEntry = structuredClone({ ...entry, seq: memory.data.lastSeq });
      memory.data.journal.push(appended);
      memory.pending.push(appended);
      tell(memory);
      return structuredClone(appended);
    },
    journal: (id, afterSeq, limit) =>
      structuredClone(
        memory.data.journal
          .filter((entry) => entry.deployment === id && entry.seq > afterSeq)
          .slice(0, limit ?? Number.POSITIVE_INFINITY),
      ),
    onAppend(listener) {
      memory.listeners.add(listener);
      return () => memory.listeners.delete(listener);
    },
  };
}

function scopeStore(memory: Memory): ScopeStore {
  return {
    get: (scope) => structuredClone(memory.data.scopes.get(scopeKey(scope))),
    list: () => structuredClone([...memory.data.scopes.values()]),
    update(scope, change) {
      const present = memory.data.scopes.get(scopeKey(scope)) ?? emptyScope(scope);
      const changed = transaction(memory, () => structuredClone(change(structuredClone(present))));
      memory.data.scopes.set(scopeKey(scope), changed);
      return structuredClone(changed);
    },
    remove: (scope) => void memory.data.scopes.delete(scopeKey(scope)),
    nextEdgeVersion: () => ++memory.data.edgeVersion,
  };
}

function leaseStore(memory: Memory): LeaseStore {
  return {
    acquire(name, holder, ttlMs, now) {
      const present = memory.data.leases.get(name);
      if (present && present.holder !== holder && present.until > now) return false;
      memory.data.leases.set(name, { holder, until: now + ttlMs });
      return true;
    },
    release(name, holder) {
      if (memory.data.leases.get(name)?.holder === holder) memory.data.leases.delete(name);
    },
  };
}

function auditStore(memory: Memory): AuditStore {
  return {
    append(entry) {
      const last = memory.data.audit.at(-1);
      const numbered = structuredClone({ ...entry, seq: (last?.seq ?? 0) + 1 });
      const appended = { ...numbered, hash: auditHash(last?.hash ?? auditGenesis, numbered) };
      memory.data.audit.push(appended);
      return structuredClone(appended);
    },
    list: (limit, before = Number.POSITIVE_INFINITY) =>
      structuredClone(
        memory.data.audit
          .filter((entry) => entry.seq < before)
          .reverse()
          .slice(0, limit),
      ),
    verify: () => structuredClone(firstBrokenEntry(memory.data.audit)),
  };
}

function tokenStore(memory: Memory): TokenStore {
  const shown = ({ secretHash: _, ...token }: ApiToken & { secretHash: string }): ApiToken => ({ ...token });
  return {
    create(token) {
      if (memory.data.tokens.has(token.id))
        throw storeError("STORE_CONFLICT", `token ${token.id} exists already`);
      memory.data.tokens.set(token.id, { ...token });
    },
    findByHash(secretHash) {
      const found = [...memory.data.tokens.values()].find((token) => token.secretHash === secretHash);
      return found && shown(found);
    },
    touch(id, at) {
      const token = memory.data.tokens.get(id);
      if (token) memory.data.tokens.set(id, { ...token, lastUsedAt: at });
    },
    list: () => [...memory.data.tokens.values()].map(shown),
    remove: (id) => void memory.data.tokens.delete(id),
  };
}

function secretStore(memory: Memory): SecretStore {
  const key = randomBytes(32);
  const at = (scope: Scope, name: string, version: string) =>
    JSON.stringify([scopeKey(scope), name, version]);
  return {
    put(scope, name, content) {
      const version = createHmac("sha256", key).update(content).digest("hex").slice(0, 16);
      memory.data.secrets.set(at(scope, name, version), content.slice());
      return version;
    },
    get: (scope, name, version) => memory.data.secrets.get(at(scope, name, version))?.slice(),
  };
}

function recordStore(memory: Memory): RecordStore {
  const at = (collection: string, key: string) => `${collection}\0${key}`;
  return {
    get: <T>(collection: string, key: string) => {
      const text = memory.data.records.get(at(collection, key));
      return text === undefined ? undefined : (JSON.parse(text) as T);
    },
    put: (collection, key, value) => void memory.data.records.set(at(collection, key), JSON.stringify(value)),
    remove: (collection, key) => void memory.data.records.delete(at(collection, key)),
    list: <T>(collection: string, query: RecordQuery = {}) => {
      const start = `${collection}\0${query.prefix ?? ""}`;
      const keys = [...memory.data.records.keys()].filter((key) => key.startsWith(start)).sort();
      if (query.newestFirst) keys.reverse();
      const { after } = query;
      const isBeyond = (key: string) =>
        after === undefined ||
        (query.newestFirst ? key < at(collection, after) : key > at(collection, after));
      return keys
        .filter(isBeyond)
        .slice(0, query.limit ?? defaultRecordLimit)
        .map((key) => ({
          key: key.slice(collection.length + 1),
          value: JSON.parse(memory.data.records.get(key) ?? "null") as T,
        }));
    },
  };
}
