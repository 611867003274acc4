import { afterEach, describe, expect, it } from "vitest";
import { lines, readAll, scope, until } from "./logs-support.ts";
import type { LogBounds, LogFilter, LogLine, LogStore, StoredLine } from "./port.ts";

/** Makes an empty store; `now` is the time by which age counts. */
export type MakeLogStore = (options: { bounds?: Partial<LogBounds>; now?: () => number }) => LogStore;

const never = new AbortController().signal;

/** What every driver of the log store holds. */
export function logStoreConformance(name: string, make: MakeLogStore): void {
  describe(`log store: ${name}`, () => {
    const stores: LogStore[] = [];
    const aStore = (options: Parameters<MakeLogStore>[0] = {}) => {
      const store = make(options);
      stores.push(store);
      return store;
    };
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
    });
    searchChecks(aStore);
    pageChecks(aStore);
    followChecks(aStore);
    boundChecks(aStore);
  });
}

type Make = (options?: Parameters<MakeLogStore>[0]) => LogStore;

async function texts(store: LogStore, filter: LogFilter, limit = 100): Promise<string[]> {
  return (await store.search({ ...filter, limit }, never)).lines.map((line) => line.text);
}

function searchChecks(aStore: Make): void {
  it("gives lines back whole and in the order of time, across stacks (R-236, R-286)", async () => {
    const store = aStore();
    const line: LogLine = {
      ...{ at: 2000, service: "api", release: "rel_1", replica: "shop-production-api-1", stream: "stderr" },
      ...{ level: "warn", requestId: "req-1", text: 'tab\there, ünïcode ☃ and "quotes"' },
    };
    store.append({ scope, lines: [line] });
    const other = { stack: "blog", environment: "staging" };
    store.append({ scope: other, lines: lines(["later", "earlier"], { from: 3000, step: -1500 }) });
    const page = await store.search({ limit: 10 }, never);
    expect(page.lines.map(({ text }) => text)).toEqual(["earlier", line.text, "later"]);
    const { id, ...found } = page.lines[1] as StoredLine;
    expect(found).toEqual({ ...line, scope });
    expect(id).not.toBe("");
    expect(page.next).toBeUndefined();
  });

  it("keeps lines of the same millisecond in the order in which they came (R-236)", async () => {
    const store = aStore();
    const written = Array.from({ length: 500 }, (_, at) => `line ${at}`);
    store.append({ scope, lines: lines(written.slice(0, 200), { step: 0 }) });
    store.append({ scope, lines: lines(written.slice(200), { step: 0 }) });
    expect(await texts(store, {}, 500)).toEqual(written);
  });

  it("finds by text, whatever the case, and by exact text when it has a capital (R-191)", async () => {
    const store = aStore();
    store.append({ scope, lines: lines(["GET /Cart", "get /cart", "Größe ÄNDERN", "nothing"]) });
    expect(await texts(store, { text: "/cart" })).toEqual(["GET /Cart", "get /cart"]);
    expect(await texts(store, { text: "/Cart" })).toEqual(["GET /Cart"]);
    expect(await texts(store, { text: "ändern" })).toEqual(["Größe ÄNDERN"]);
    expect(await texts(store, { text: "absent" })).toEqual([]);
  });

  it("finds by level, service, release, replica, stream and time (R-191, R-286)", async () => {
    const store = aStore();
    const levels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
    for (const [at, level] of levels.entries())
      store.append({ scope, lines: lines([`a ${level}`], { from: 1000 + at, line: { level } }) });
    const of = { service: "web", release: "rel_2", replica: "web-2", stream: "access" } as const;
    store.append({ scope, lines: lines(["plain"], { from: 5000, line: of }) });
    expect(await texts(store, { level: "warn" })).toEqual(["a warn", "a error", "a fatal"]);
    for (const filter of [{ services: ["web"] }, { release: "rel_2" }, { replica: "web-2" }, { since: 5000 }])
      expect(await texts(store, filter)).toEqual(["plain"]);
    expect(await texts(store, { streams: ["access"] })).toEqual(["plain"]);
    expect(await texts(store, { since: 1001, until: 1003 })).toEqual(["a debug", "a info"]);
    expect(await texts(store, { scopes: [{ stack: "blog", environment: "production" }] })).toEqual([]);
  });

  it("finds one request's lines by its id, in the field and in the text (R-240, R-286)", async () => {
    const store = aStore();
    store.append({ scope, lines: lines(["edge"], { line: { requestId: "abc-123" } }) });
    store.append({ scope, lines: lines(["worker took job of abc-123", "other"], { from: 2000 }) });
    expect(await texts(store, { requestId: "abc-123" })).toEqual(["edge", "worker took job of abc-123"]);
  });

  it("keeps positions with the lines, the last of each source", () => {
    const store = aStore();
    store.append({ scope, lines: lines(["a"]), positions: { one: "1", two: "x" } });
    store.append({ scope, lines: [], positions: { one: "2" } });
    expect(store.positions(scope)).toEqual({ one: "2", two: "x" });
    store.append({ scope, lines: [], positions: { two: "" } });
    expect(store.positions(scope)).toEqual({ one: "2" });
    expect(store.positions({ stack: "other", environment: "production" })).toEqual({});
  });
}

function pageChecks(aStore: Make): void {
  const many = Array.from({ length: 1000 }, (_, at) => `line ${at}`);

  it("pages backwards without a gap or a double, also through equal times", async () => {
    const store = aStore();
    for (let at = 0; at < many.length; at += 100)
      store.append({
        scope,
        lines: lines(many.slice(at, at + 100), { from: 1000 + Math.floor(at / 300), step: 0 }),
      });
    const found: string[] = [];
    for (let before: string | undefined, page = 0; page < 200; page += 1) {
      const answer = await store.search({ limit: 7, ...(before === undefined ? {} : { before }) }, never);
      found.unshift(...answer.lines.map((line) => line.text));
      before = answer.next;
      if (before === undefined) break;
    }
    expect(found).toEqual(many);
  });

  it("pages forwards from a line, and from a time", async () => {
    const store = aStore();
    store.append({ scope, lines: lines(many) });
    const [first] = (await store.search({ until: 1001, limit: 1 }, never)).lines;
    const found: string[] = [];
    for (let after: string | undefined = first?.id, page = 0; after !== undefined && page < 200; page += 1) {
      const answer = await store.search({ limit: 11, after }, never);
      found.push(...answer.lines.map((line) => line.text));
      after = answer.next;
    }
    expect(found).toEqual(many.slice(1));
  });

  it("refuses a cursor that it did not give", async () => {
    const store = aStore();
    await expect(store.search({ limit: 1, before: "../../etc" }, never)).rejects.toMatchObject({
      code: "LOGS_CURSOR_INVALID",
    });
  });
}

function followChecks(aStore: Make): void {
  it("follows without a gap or a double across the border of history and live (R-251)", async () => {
    const store = aStore();
    const stop = new AbortController();
    const seen: string[] = [];
    let next = 0;
    const write = (count: number) => {
      const batch = Array.from({ length: count }, () => `line ${next++}`);
      store.append({ scope, lines: lines(batch, { from: 1000 + next }) });
    };
    write(300);
    const reading = readAll(store.follow({ scopes: [scope] }, { tail: 100 }, stop.signal), seen);
    for (let turn = 0; turn < 50; turn += 1) {
      write(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => seen.at(-1) === "line 799");
    stop.abort();
    await reading;
    const first = Number(seen[0]?.slice(5));
    expect(seen).toEqual(Array.from({ length: 800 - first }, (_, at) => `line ${first + at}`));
    expect(first).toBeLessThanOrEqual(210);
  });

  it("follows only what matches, and ends with its signal", async () => {
    const store = aStore();
    const stop = new AbortController();
    const seen: string[] = [];
    const reading = readAll(store.follow({ level: "error", text: "db" }, { tail: 10 }, stop.signal), seen);
    await new Promise((resolve) => setImmediate(resolve));
    store.append({ scope, lines: lines(["db gone", "db fine"], { line: { level: "error" } }) });
    store.append({ scope, lines: lines(["db info"], { line: { level: "info" } }) });
    await until(() => seen.length === 2);
    stop.abort();
    await reading;
    expect(seen).toEqual(["db gone", "db fine"]);
  });

  it("tells a slow reader how many lines it did not get, and holds no more than its bound", async () => {
    const store = aStore();
    const stop = new AbortController();
    const reader = store.follow({}, { tail: 0 }, stop.signal)[Symbol.asyncIterator]();
    const first = reader.next();
    await new Promise((resolve) => setImmediate(resolve));
    for (let at = 0; at < 20; at += 1)
      store.append({ scope, lines: lines(Array.from({ length: 1000 }, (_, line) => `${at} ${line}`)) });
    const got = [await first];
    for (let at = 1; at <= 5000; at += 1) got.push(await reader.next());
    expect(got.at(-1)?.value).toMatchObject({ stream: "platform" });
    expect(got.at(-1)?.value.text).toMatch(/^15000 lines left out/);
    stop.abort();
    await reader.next();
  });
}

function boundChecks(aStore: Make): void {
  const text = "x".repeat(200);
  const fill = (store: LogStore, stack: string, from: number) => {
    for (let at = 0; at < 40; at += 1) {
      const batch = Array.from({ length: 20 }, (_, line) => `${from} ${at} ${line} ${text}`);
      store.append({ scope: { stack, environment: "production" }, lines: lines(batch, { from: from + at }) });
      store.flush();
    }
  };

  it("holds the bound of one stack and of all, and keeps the newest (R-235, R-236)", async () => {
    const store = aStore({ bounds: { maxBytesPerScope: 60_000, maxBytes: 90_000 }, now: () => 100_000 });
    for (const [at, stack] of ["one", "two", "three"].entries()) fill(store, stack, 1000 + at * 1000);
    await store.prune();
    const { bytes, scopes } = store.usage();
    expect(bytes).toBeLessThanOrEqual(90_000);
    for (const entry of scopes) expect(entry.bytes).toBeLessThanOrEqual(60_000);
    const [newest] = (await store.search({ limit: 1 }, never)).lines;
    expect(newest?.text).toMatch(/^3000 39 19 /);
  });

  it("removes what is too old (R-235)", async () => {
    let now = 100_000;
    const store = aStore({ bounds: { maxAgeMs: 10_000 }, now: () => now });
    store.append({ scope, lines: lines(["old"], { from: now }) });
    store.flush();
    now += 9_000;
    await store.prune();
    store.append({ scope, lines: lines(["new"], { from: now }) });
    expect(await texts(store, {})).toEqual(["old", "new"]);
    now += 5_000;
    await store.prune();
    expect(await texts(store, {})).toEqual(["new"]);
  });
}
