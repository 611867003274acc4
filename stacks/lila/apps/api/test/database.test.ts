import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eq } from "drizzle-orm";
import { account, card, language, progress, user } from "../src/database/schema.ts";
import { decks } from "../src/decks.ts";
import { judgeQuota, readQuota } from "../src/google-quota.ts";
import { migrateDatabase } from "../src/migrate.ts";
import { seedDatabase } from "../src/seed.ts";
import { chooseLanguage, nextCard, saveAnswer, summarise } from "../src/study/study-store.ts";
import { freshDatabase } from "./fresh-database.ts";

type Fresh = Awaited<ReturnType<typeof freshDatabase>>;

describe("against a real PostgreSQL", () => {
  let fresh: Fresh;
  before(async () => {
    fresh = await freshDatabase();
  });
  after(() => fresh?.drop());

  it("applies each migration once, though three starters come at the same time (R-129, R-131)", async () => {
    const outcomes = await Promise.all([1, 2, 3].map(() => migrateDatabase(fresh.url)));
    assert.deepEqual(outcomes.map(({ applied }) => applied).sort(), [0, 0, 1]);
    assert.deepEqual(await migrateDatabase(fresh.url), { applied: 0 });
  });

  it("seeds once: a second run changes nothing, edits stay, a new language is added (R-137)", async () => {
    const total = decks.reduce((sum, { cards }) => sum + cards.length, 0);
    assert.deepEqual(await seedDatabase(fresh.db), { languages: decks.length, cards: total });
    const content = () => Promise.all([fresh.db.select().from(language), fresh.db.select().from(card)]);
    const first = await content();
    assert.deepEqual(await seedDatabase(fresh.db), { languages: 0, cards: 0 });
    assert.deepEqual(await content(), first);

    await fresh.db.update(card).set({ back: "fresh water" }).where(eq(card.id, "es-001"));
    const french = {
      code: "fr",
      name: "French",
      nativeName: "Français",
      cards: [["l'eau", "water"]],
    } as const;
    assert.deepEqual(await seedDatabase(fresh.db, [...decks, french]), { languages: 1, cards: 1 });
    const [edited] = await fresh.db.select().from(card).where(eq(card.id, "es-001"));
    assert.equal(edited?.back, "fresh water");
  });

  it("keeps the progress of each person apart, and counts a repeated answer once (R-302)", async () => {
    const people = ["ada", "grace"].map((id) => ({ id, name: id, email: `${id}@example.com` }));
    await fresh.db.insert(user).values(people);
    const now = new Date();
    assert.equal(await chooseLanguage(fresh.db, "ada", "es"), true);
    assert.equal(await chooseLanguage(fresh.db, "ada", "xx"), false);
    const first = await nextCard(fresh.db, "ada", "es", now);
    assert.equal(first?.id, "es-001");
    const given = { id: crypto.randomUUID(), cardId: "es-001", known: true };
    const results = await Promise.all([1, 2, 3].map(() => saveAnswer(fresh.db, "ada", given, now)));
    assert.deepEqual(results, [true, true, true]);
    const rows = await fresh.db.select().from(progress);
    assert.deepEqual(
      rows.map(({ userId, box, answers }) => [userId, box, answers]),
      [["ada", 2, 1]],
    );
    assert.equal((await nextCard(fresh.db, "ada", "es", now))?.id, "es-002");
    assert.equal((await nextCard(fresh.db, "grace", "es", now))?.id, "es-001");
    assert.equal((await summarise(fresh.db, "ada", "es", now)).studied, 1);
    assert.equal((await summarise(fresh.db, "grace", "es", now)).studied, 0);
    assert.equal(await saveAnswer(fresh.db, "ada", { ...given, cardId: "none" }, now), false);
  });

  it("gives a due card before a new one", async () => {
    const soon = new Date(Date.now() + 2 * 86_400_000);
    assert.equal((await nextCard(fresh.db, "ada", "es", soon))?.id, "es-001");
    assert.equal((await summarise(fresh.db, "ada", "es", soon)).due, 1);
  });

  it("counts Google's users and nobody else's: none at 79, warning at 80, critical at 100 (R-288)", async () => {
    const limits = { GOOGLE_USER_LIMIT: 100, GOOGLE_USER_WARNING: 80 };
    const states = [79, 80, 99, 100, 101].map((users) => judgeQuota(users, limits).state);
    assert.deepEqual(states, ["ok", "warning", "warning", "critical", "critical"]);
    const mine = (providerId: string) => ({
      id: `${providerId}-1`,
      accountId: "1",
      providerId,
      userId: "ada",
    });
    await fresh.db.insert(account).values([mine("google"), mine("github")]);
    assert.equal((await readQuota(fresh.db, limits)).users, 1);
  });
});
