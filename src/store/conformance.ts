import { describe, expect, it } from "vitest";
import { PlatformError } from "../lib/platform-error.ts";
import type { DeploymentId, ReleaseId } from "../rollout/ids.ts";
import { keepOutputOfDeployments } from "./defaults.ts";
import type { JournalEntry, Store } from "./port.ts";
import { aBundle, aDeployment, aRelease, aRequest, shop, shopStaging } from "./store-support.ts";

export type StoreMaker = {
  make: () => Store;
  /** Closes the store and opens the same state again; absent where nothing outlives the process. */
  reopen?: (store: Store) => Store;
};

/** What every store driver must hold. Each test gets a fresh store. */
export function storeConformance(name: string, maker: StoreMaker): void {
  describe(`store conformance: ${name}`, () => {
    const fresh = () => maker.make();
    releases(fresh);
    deployments(fresh);
    journal(fresh);
    scopes(fresh);
    leases(fresh);
    audit(fresh);
    records(fresh);
    tokensAndSecrets(fresh);
    transactions(fresh);
    if (maker.reopen) reopening(fresh, maker.reopen);
  });
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof PlatformError ? error.code : `not a PlatformError: ${String(error)}`;
  }
}

function releases(fresh: () => Store): void {
  it("numbers releases from 1 per scope, newest first", () => {
    const store = fresh();
    store.releases.create(aRelease("a"));
    store.releases.create(aRelease("b", { scope: shopStaging }));
    const second = store.releases.create(aRelease("c"));
    expect(second.number).toBe(2);
    expect(store.releases.list(shop, 10).map((r) => [r.id, r.number])).toEqual([
      ["c", 2],
      ["a", 1],
    ]);
    expect(store.releases.list(shop, 1)).toHaveLength(1);
    expect(store.releases.list(shopStaging, 10).map((r) => r.number)).toEqual([1]);
  });

  it("returns a release exactly as it was created, and none for an unknown id", () => {
    const store = fresh();
    const bundle = aBundle({ texts: { "/a": "ü \u0000 \n" }, projectName: "shop" });
    const created = store.releases.create(aRelease("a", { bundle, fileVersions: { password: "v" } }));
    expect(store.releases.get(created.id)).toEqual(created);
    expect(created.bundle).toEqual(bundle);
    expect(store.releases.get("none" as ReleaseId)).toBeUndefined();
  });

  it("refuses a release id that exists", () => {
    const store = fresh();
    store.releases.create(aRelease("a"));
    expect(codeOf(() => store.releases.create(aRelease("a", { label: "other" })))).toBe("STORE_CONFLICT");
    expect(store.releases.list(shop, 10).map((r) => r.label)).toEqual(["a"]);
  });
}

function deployments(fresh: () => Store): void {
  it("updates only the given fields of a deployment", () => {
    const store = fresh();
    store.deployments.create(aDeployment("d", { request: aRequest() }));
    store.deployments.update("d" as DeploymentId, { state: "running", startedAt: 5 });
    expect(store.deployments.get("d" as DeploymentId)).toEqual(
      aDeployment("d", { request: aRequest(), state: "running", startedAt: 5 }),
    );
    expect(codeOf(() => store.deployments.update("x" as DeploymentId, { state: "failed" }))).toBe(
      "STORE_NOT_FOUND",
    );
    expect(codeOf(() => store.deployments.create(aDeployment("d")))).toBe("STORE_CONFLICT");
  });

  it("does not let a caller change the stored value through what it was given", () => {
    const store = fresh();
    store.deployments.create(aDeployment("d"));
    const got = store.deployments.get("d" as DeploymentId);
    if (got) got.state = "failed";
    expect(store.deployments.get("d" as DeploymentId)?.state).toBe("queued");
  });

  it("lists newest first, unfinished ones oldest first, superseded ones as finished", () => {
    const store = fresh();
    for (const id of ["a", "b", "c", "d"]) store.deployments.create(aDeployment(id));
    store.deployments.create(aDeployment("other", { scope: shopStaging }));
    store.deployments.update("a" as DeploymentId, { state: "succeeded" });
    store.deployments.update("b" as DeploymentId, { state: "superseded" });
    store.deployments.update("d" as DeploymentId, { state: "returning" });
    expect(store.deployments.list(shop, 3).map((d) => d.id)).toEqual(["d", "c", "b"]);
    expect(store.deployments.list("all", 2).map((d) => d.id)).toEqual(["other", "d"]);
    expect(store.deployments.unfinished(shop).map((d) => d.id)).toEqual(["c", "d"]);
    expect(store.deployments.unfinished("all").map((d) => d.id)).toEqual(["c", "d", "other"]);
  });
}

function line(deployment: string, text: string) {
  return { deployment: deployment as DeploymentId, at: 1, event: "output", key: "k", line: text } as const;
}

function journal(fresh: () => Store): void {
  it("keeps the journal in order over all deployments and resumes after a seq", () => {
    const store = fresh();
    for (const id of ["a", "b"]) store.deployments.create(aDeployment(id));
    const first = store.deployments.append(line("a", "1"));
    const other = store.deployments.append(line("b", "2"));
    const last = store.deployments.append({
      deployment: "a" as DeploymentId,
      at: 2,
      event: "stateChanged",
      state: "running",
      message: "",
    });
    expect(first.seq).toBeLessThan(other.seq);
    expect(other.seq).toBeLessThan(last.seq);
    expect(store.deployments.journal("a" as DeploymentId, 0)).toEqual([first, last]);
    expect(store.deployments.journal("a" as DeploymentId, first.seq)).toEqual([last]);
    expect(store.deployments.journal("a" as DeploymentId, last.seq)).toEqual([]);
    expect(store.deployments.journal("a" as DeploymentId, 0, 1)).toEqual([first]);
    expect(codeOf(() => store.deployments.append(line("none", "x")))).toBe("STORE_NOT_FOUND");
  });

  it("tells listeners of each entry after it is stored, until they stop", () => {
    const store = fresh();
    store.deployments.create(aDeployment("a"));
    const heard: JournalEntry[] = [];
    const stop = store.deployments.onAppend((entry) => {
      expect(store.deployments.journal(entry.deployment, entry.seq - 1)).toContainEqual(entry);
      heard.push(entry);
    });
    const one = store.deployments.append(line("a", "1"));
    stop();
    store.deployments.append(line("a", "2"));
    expect(heard).toEqual([one]);
  });

  it("drops output lines, and nothing else, of deployments beyond the last 200 of a scope", () => {
    const store = fresh();
    const id = (n: number) => `d${n}` as DeploymentId;
    store.transaction(() => {
      for (let n = 0; n <= keepOutputOfDeployments + 1; n += 1) {
        store.deployments.create(aDeployment(id(n)));
        if (n > 2) continue;
        store.deployments.append(line(id(n), "text"));
        store.deployments.append({
          deployment: id(n),
          at: 1,
          event: "stateChanged",
          state: "running",
          message: "",
        });
      }
    });
    const events = (n: number) => store.deployments.journal(id(n), 0).map((entry) => entry.event);
    expect(events(1)).toEqual(["stateChanged"]);
    expect(events(2)).toEqual(["output", "stateChanged"]);
    expect(store.deployments.list(shop, 1000)).toHaveLength(keepOutputOfDeployments + 2);
  });
}

function scopes(fresh: () => Store): void {
  it("creates a scope's state at its first update and changes it whole or not at all", () => {
    const store = fresh();
    expect(store.scopes.get(shop)).toBeUndefined();
    store.scopes.update(shop, (state) => ({ ...state, scale: { web: 3 } }));
    expect(codeOf(() => store.scopes.update(shop, () => failWith("boom")))).toMatch(/boom/);
    expect(store.scopes.get(shop)).toEqual({
      scope: shop,
      warm: [],
      scale: { web: 3 },
      stopped: [],
      restarts: {},
      routing: {},
      addresses: [],
    });
    expect(store.scopes.list().map((state) => state.scope)).toEqual([shop]);
    store.scopes.remove(shop);
    expect(store.scopes.list()).toEqual([]);
  });

  it("counts edge versions strictly up", () => {
    const store = fresh();
    const versions = Array.from({ length: 5 }, () => store.scopes.nextEdgeVersion());
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });
}

function failWith(message: string): never {
  throw new Error(message);
}

function leases(fresh: () => Store): void {
  it("gives a lease to one of 100 holders", async () => {
    const store = fresh();
    const attempts = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => store.leases.acquire("shop", `holder ${n}`, 1000, 0)),
    );
    expect(attempts.filter(Boolean)).toHaveLength(1);
  });

  it("renews for the holder, lets others in only after expiry or release", () => {
    const store = fresh();
    expect(store.leases.acquire("shop", "a", 1000, 0)).toBe(true);
    expect(store.leases.acquire("shop", "a", 1000, 500)).toBe(true);
    expect(store.leases.acquire("shop", "b", 1000, 1499)).toBe(false);
    expect(store.leases.acquire("other", "b", 1000, 0)).toBe(true);
    expect(store.leases.acquire("shop", "b", 1000, 1500)).toBe(true);
    expect(store.leases.acquire("shop", "a", 1000, 1501)).toBe(false);
    store.leases.release("shop", "a");
    expect(store.leases.acquire("shop", "a", 1000, 1502)).toBe(false);
    store.leases.release("shop", "b");
    expect(store.leases.acquire("shop", "a", 1000, 1503)).toBe(true);
  });
}

const change = { at: 1, actor: "ada", action: "deploy", target: "shop/production", detail: { n: 1 } };

function audit(fresh: () => Store): void {
  it("chains audit entries, pages newest first, and finds nothing wrong with an honest trail", () => {
    const store = fresh();
    expect(store.audit.verify()).toBeUndefined();
    const entries = [1, 2, 3].map((at) => store.audit.append({ ...change, at }));
    expect(entries.map((entry) => entry.seq)).toEqual([1, 2, 3]);
    expect(new Set(entries.map((entry) => entry.hash)).size).toBe(3);
    expect(store.audit.list(2)).toEqual([entries[2], entries[1]]);
    expect(store.audit.list(2, 2)).toEqual([entries[0]]);
    expect(store.audit.verify()).toBeUndefined();
  });
}

function tokensAndSecrets(fresh: () => Store): void {
  it("finds a token by its hash only, and not once it is removed", () => {
    const store = fresh();
    store.tokens.create({ id: "t", name: "ci", secretHash: "h", createdAt: 1 });
    expect(store.tokens.findByHash("h")).toEqual({ id: "t", name: "ci", createdAt: 1 });
    store.tokens.touch("t", 7);
    expect(store.tokens.list()).toEqual([{ id: "t", name: "ci", createdAt: 1, lastUsedAt: 7 }]);
    expect(store.tokens.findByHash("x")).toBeUndefined();
    store.tokens.remove("t");
    expect(store.tokens.findByHash("h")).toBeUndefined();
  });

  it("keeps what a token may do, until when and whose it is", () => {
    const store = fresh();
    const token = {
      id: "t",
      name: "ci",
      createdAt: 1,
      grants: [{ role: "developer" as const, stack: "shop", environment: "staging" }],
      expiresAt: 9,
      owner: "user_1",
    };
    store.tokens.create({ ...token, secretHash: "h" });
    expect(store.tokens.findByHash("h")).toEqual(token);
    expect(store.tokens.list()).toEqual([token]);
  });

  it("gives the same content the same version and keeps every version", () => {
    const store = fresh();
    const bytes = new Uint8Array([0, 255, 10]);
    const first = store.secrets.put(shop, "password", bytes);
    const second = store.secrets.put(shop, "password", new Uint8Array());
    expect(store.secrets.put(shop, "password", bytes)).toBe(first);
    expect(second).not.toBe(first);
    expect(store.secrets.get(shop, "password", first)).toEqual(bytes);
    expect(store.secrets.get(shop, "password", second)).toEqual(new Uint8Array());
    expect(store.secrets.get(shopStaging, "password", first)).toBeUndefined();
    expect(store.secrets.get(shop, "password", "none")).toBeUndefined();
  });
}

function transactions(fresh: () => Store): void {
  it("keeps all changes of a transaction or none, and tells listeners only afterwards", () => {
    const store = fresh();
    const heard: number[] = [];
    store.deployments.create(aDeployment("a"));
    store.deployments.onAppend((entry) => heard.push(entry.seq));
    const attempt = () =>
      store.transaction(() => {
        store.deployments.append(line("a", "1"));
        store.audit.append(change);
        store.scopes.update(shop, (state) => ({ ...state, stopped: ["web"] }));
        failWith("boom");
      });
    expect(codeOf(attempt)).toMatch(/boom/);
    expect([store.audit.list(10), store.scopes.list(), heard]).toEqual([[], [], []]);
    expect(store.deployments.journal("a" as DeploymentId, 0)).toEqual([]);

    store.transaction(() => {
      store.deployments.append(line("a", "1"));
      expect(heard).toEqual([]);
      store.audit.append(change);
    });
    expect([store.audit.list(10).length, heard.length]).toEqual([1, 1]);
  });

  it("undoes an inner transaction that failed without the outer one", () => {
    const store = fresh();
    store.transaction(() => {
      store.audit.append(change);
      const inner = () =>
        store.transaction(() => {
          store.audit.append(change);
          failWith("inner");
        });
      expect(codeOf(inner)).toMatch(/inner/);
    });
    expect(store.audit.list(10)).toHaveLength(1);
    expect(store.audit.verify()).toBeUndefined();
  });
}

function reopening(fresh: () => Store, reopen: (store: Store) => Store): void {
  it("keeps everything over a restart", () => {
    const store = fresh();
    const release = store.releases.create(aRelease("r"));
    store.deployments.create(aDeployment("d", { request: aRequest() }));
    const entry = store.deployments.append(line("d", "1"));
    store.scopes.update(shop, (state) => ({ ...state, current: release.id }));
    store.audit.append(change);
    store.tokens.create({ id: "t", name: "ci", secretHash: "h", createdAt: 1 });
    const version = store.secrets.put(shop, "password", new Uint8Array([1]));
    const edgeVersion = store.scopes.nextEdgeVersion();
    store.leases.acquire("shop", "a", 1000, 0);

    const again = reopen(store);
    expect(again.releases.get(release.id)).toEqual(release);
    expect(again.deployments.get("d" as DeploymentId)).toEqual(aDeployment("d", { request: aRequest() }));
    expect(again.deployments.journal("d" as DeploymentId, 0)).toEqual([entry]);
    expect(again.deployments.append(line("d", "2")).seq).toBeGreaterThan(entry.seq);
    expect(again.scopes.get(shop)?.current).toBe(release.id);
    expect(again.audit.verify()).toBeUndefined();
    expect(again.audit.append(change).seq).toBe(2);
    expect(again.tokens.findByHash("h")?.name).toBe("ci");
    expect(again.secrets.get(shop, "password", version)).toEqual(new Uint8Array([1]));
    expect(again.secrets.put(shop, "password", new Uint8Array([1]))).toBe(version);
    expect(again.scopes.nextEdgeVersion()).toBeGreaterThan(edgeVersion);
    expect(again.leases.acquire("shop", "b", 1000, 999)).toBe(false);
    expect(again.leases.acquire("shop", "b", 1000, 1000)).toBe(true);
  });
}

function records(fresh: () => Store): void {
  it("keeps records by collection and key, and lists them in order", () => {
    const { records } = fresh();
    for (const key of ["b/2", "a", "b/1", "b/3"]) records.put("things", key, { key });
    records.put("others", "a", { key: "elsewhere" });
    records.put("things", "a", { key: "a", again: true });
    expect(records.get("things", "a")).toEqual({ key: "a", again: true });
    expect(records.get("things", "none")).toBeUndefined();
    const keys = (query?: Parameters<typeof records.list>[1]) =>
      records.list("things", query).map((record) => record.key);
    expect(keys()).toEqual(["a", "b/1", "b/2", "b/3"]);
    expect(keys({ prefix: "b/" })).toEqual(["b/1", "b/2", "b/3"]);
    expect(keys({ prefix: "b/", after: "b/1", limit: 1 })).toEqual(["b/2"]);
    expect(keys({ newestFirst: true, after: "b/3" })).toEqual(["b/2", "b/1", "a"]);
    records.remove("things", "b/2");
    expect(keys({ prefix: "b/" })).toEqual(["b/1", "b/3"]);
  });

  it("undoes a record with the transaction it belongs to", () => {
    const store = fresh();
    store.records.put("things", "a", 1);
    const change = () =>
      store.transaction(() => {
        store.records.put("things", "a", 2);
        throw new Error("no");
      });
    expect(change).toThrow("no");
    expect(store.records.get("things", "a")).toBe(1);
  });
}
