import { connect, type Database } from "./database/connect.ts";
import { card, language } from "./database/schema.ts";
import { type Deck, decks } from "./decks.ts";
import { readSettings } from "./settings.ts";

/**
 * Adds the languages and cards that are missing. What is there stays as it is, edited or not, so that it may run
 * with every release.
 */
export async function seedDatabase(db: Database, content: readonly Deck[] = decks) {
  const languages = content.map(({ code, name, nativeName }) => ({ code, name, nativeName }));
  const cards = content.flatMap(({ code, cards }) =>
    cards.map(([front, back], index) => ({
      id: `${code}-${String(index + 1).padStart(3, "0")}`,
      languageCode: code,
      position: index + 1,
      front,
      back,
    })),
  );
  return db.transaction(async (tx) => {
    const addedLanguages = await tx.insert(language).values(languages).onConflictDoNothing().returning();
    const addedCards = await tx.insert(card).values(cards).onConflictDoNothing().returning({ id: card.id });
    return { languages: addedLanguages.length, cards: addedCards.length };
  });
}

if (import.meta.main) {
  const { pool, db } = connect(readSettings(process.env).DATABASE_URL, 1);
  const added = await seedDatabase(db);
  await pool.end();
  console.log(`seed: ${added.languages} languages and ${added.cards} cards added`);
}
