import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { openDatabase } from "../src/database/pool.ts";
import { EntryStore } from "../src/mileage/entry-store.ts";
import { Recorder } from "../src/mileage/recorder.ts";
import { Spool } from "../src/mileage/spool.ts";
import { anEntry, eventually, Line, migratedDatabase, temporaryFolder } from "./support.ts";

test("100 writes through an outage: 100 rows, none doubled, whatever the outage looks like (R-297)", async (t) => {
  for (const outage of ["silent", "down"] as const) {
    await t.test(outage, async (t2) => {
      const { url, database } = await migratedDatabase(t2);
      const line = await Line.open(t2, url);
      const cut = openDatabase(line.url);
      t2.after(() => cut.end());
      const folder = temporaryFolder(t2);
      const recorder = new Recorder(new EntryStore(cut), new Spool(folder));
      await recorder.start();
      const kinds: string[] = [];
      for (let index = 0; index < 100; index += 1) {
        if (index === 20) line.set(outage);
        if (index === 80) setTimeout(() => line.set("up"), 1_000);
        kinds.push((await recorder.record(anEntry(String(index)))).kind);
        // A client that did not hear the answer sends the entry again.
        if (index % 10 === 0) await recorder.record(anEntry(String(index)));
      }
      assert.ok(kinds.includes("stored") && kinds.includes("queued"), kinds.join());
      await eventually("the queue is empty", () => recorder.view().waiting === 0, 30_000);
      const { rows } = await database.query(
        "select count(*)::int as all, count(distinct idempotency_key)::int as keys from mileage_entries",
      );
      assert.deepEqual(rows, [{ all: 100, keys: 100 }]);
      assert.deepEqual(readdirSync(folder), []);
      await recorder.stop();
    });
  }
});

test("what was acknowledged as queued survives the end of the process (R-297)", async (t) => {
  const { url, database } = await migratedDatabase(t);
  const line = await Line.open(t, url);
  line.set("down");
  const cut = openDatabase(line.url);
  t.after(() => cut.end());
  const folder = temporaryFolder(t);
  const first = new Recorder(new EntryStore(cut), new Spool(folder));
  await first.start();
  const outcomes = await Promise.all(["a", "b", "c"].map((key) => first.record(anEntry(key))));
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ["queued", "queued", "queued"],
  );
  // One of them had been committed although its answer was lost.
  await new EntryStore(database).insert(anEntry("b"));
  await first.stop();
  const second = new Recorder(new EntryStore(database), new Spool(folder));
  await second.start();
  await eventually("the queue is empty", () => second.view().waiting === 0);
  const { rows } = await database.query("select idempotency_key as key from mileage_entries order by 1");
  assert.deepEqual(
    rows.map(({ key }) => key),
    ["test-key-a", "test-key-b", "test-key-c"],
  );
  await second.stop();
});

test("gives up visibly, keeps the entries, and goes on when asked or when a write succeeds (R-297)", async (t) => {
  const { url, database } = await migratedDatabase(t);
  const line = await Line.open(t, url);
  line.set("down");
  const cut = openDatabase(line.url);
  t.after(() => cut.end());
  const limits = { rounds: 3, firstDelayMs: 20, longestDelayMs: 40 };
  const recorder = new Recorder(new EntryStore(cut), new Spool(temporaryFolder(t)), limits);
  await recorder.start();
  await recorder.record(anEntry("kept"));
  await eventually("it gives up", () => recorder.view().gaveUp);
  assert.equal(recorder.view().waiting, 1);
  assert.ok(recorder.view().lastError);
  line.set("up");
  assert.equal((await recorder.record(anEntry("next"))).kind, "stored");
  await eventually("the kept one is stored", () => recorder.view().waiting === 0);
  const { rows } = await database.query("select count(*)::int as all from mileage_entries");
  assert.deepEqual(rows, [{ all: 2 }]);
  await recorder.stop();
});

test("an entry that the database refuses is reported and put aside, the others go on (R-297)", async (t) => {
  const { url, database } = await migratedDatabase(t);
  const line = await Line.open(t, url);
  line.set("down");
  const cut = openDatabase(line.url);
  t.after(() => cut.end());
  const folder = temporaryFolder(t);
  const recorder = new Recorder(new EntryStore(cut), new Spool(folder));
  await recorder.start();
  await recorder.record(anEntry("wrong", { distanceM: 5_000_000 }));
  await recorder.record(anEntry("right"));
  await database.query("alter table mileage_entries add constraint less check (distance_m < 1000000)");
  line.set("up");
  await eventually("the queue is empty", () => recorder.view().waiting === 0);
  assert.equal(recorder.view().rejected, 1);
  assert.equal(readdirSync(folder).filter((name) => name.endsWith(".rejected")).length, 1);
  await recorder.stop();
});

test("a key stands for one entry; the queue has a limit (R-297)", async (t) => {
  const { url, database } = await migratedDatabase(t);
  const recorder = new Recorder(new EntryStore(database), new Spool(temporaryFolder(t)));
  await recorder.start();
  const [one, two] = await Promise.all([recorder.record(anEntry("k")), recorder.record(anEntry("k"))]);
  assert.deepEqual([one.kind, two.kind], ["stored", "stored"]);
  assert.equal((await recorder.record(anEntry("k", { distanceM: 1 }))).kind, "key-taken");
  await recorder.stop();

  const line = await Line.open(t, url);
  line.set("down");
  const cut = openDatabase(line.url);
  t.after(() => cut.end());
  const small = new Recorder(new EntryStore(cut), new Spool(temporaryFolder(t)), { capacity: 1 });
  await small.start();
  assert.equal((await small.record(anEntry("q1"))).kind, "queued");
  assert.equal((await small.record(anEntry("q1"))).kind, "queued");
  assert.equal((await small.record(anEntry("q1", { note: "other" }))).kind, "key-taken");
  assert.equal((await small.record(anEntry("q2"))).kind, "full");
  await small.stop();
});
