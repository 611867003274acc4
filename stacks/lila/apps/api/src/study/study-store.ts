import { and, asc, count, eq, isNull, lte, sql } from "drizzle-orm";
import type { Database } from "../database/connect.ts";
import { answer, card, language, learner, progress } from "../database/schema.ts";
import { placeCard } from "./leitner.ts";

export type Card = { id: string; front: string; back: string };
export type Summary = { language: string; total: number; studied: number; due: number };

export function listLanguages(db: Database) {
  return db.select().from(language).orderBy(asc(language.name));
}

export async function chosenLanguage(db: Database, userId: string): Promise<string | null> {
  const [row] = await db.select().from(learner).where(eq(learner.userId, userId));
  return row?.languageCode ?? null;
}

/** False when there is no such language. */
export async function chooseLanguage(db: Database, userId: string, code: string): Promise<boolean> {
  const [known] = await db.select().from(language).where(eq(language.code, code));
  if (!known) return false;
  await db
    .insert(learner)
    .values({ userId, languageCode: code })
    .onConflictDoUpdate({ target: learner.userId, set: { languageCode: code, chosenAt: sql`now()` } });
  return true;
}

/** What is due comes before what is new. */
export async function nextCard(
  db: Database,
  userId: string,
  code: string,
  now: Date,
): Promise<Card | undefined> {
  const columns = { id: card.id, front: card.front, back: card.back };
  const mine = and(eq(progress.cardId, card.id), eq(progress.userId, userId));
  const [due] = await db
    .select(columns)
    .from(card)
    .innerJoin(progress, mine)
    .where(and(eq(card.languageCode, code), lte(progress.dueAt, now)))
    .orderBy(asc(progress.dueAt))
    .limit(1);
  if (due) return due;
  const [fresh] = await db
    .select(columns)
    .from(card)
    .leftJoin(progress, mine)
    .where(and(eq(card.languageCode, code), isNull(progress.cardId)))
    .orderBy(asc(card.position))
    .limit(1);
  return fresh;
}

export type Answer = { id: string; cardId: string; known: boolean };

/** Saves an answer and moves its card; the same answer again changes nothing. False when there is no such card. */
export function saveAnswer(db: Database, userId: string, given: Answer, now: Date): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [exists] = await tx.select({ id: card.id }).from(card).where(eq(card.id, given.cardId));
    if (!exists) return false;
    const [first] = await tx
      .insert(answer)
      .values({ ...given, userId, answeredAt: now })
      .onConflictDoNothing()
      .returning({ id: answer.id });
    if (!first) return true;
    const mine = and(eq(progress.userId, userId), eq(progress.cardId, given.cardId));
    const [before] = await tx.select({ box: progress.box }).from(progress).where(mine).for("update");
    const placement = placeCard(before?.box, given.known, now);
    await tx
      .insert(progress)
      .values({ userId, cardId: given.cardId, ...placement, answeredAt: now })
      .onConflictDoUpdate({
        target: [progress.userId, progress.cardId],
        set: { ...placement, answers: sql`${progress.answers} + 1`, answeredAt: now },
      });
    return true;
  });
}

export async function summarise(db: Database, userId: string, code: string, now: Date): Promise<Summary> {
  const [row] = await db
    .select({
      total: count(card.id),
      studied: count(progress.cardId),
      due: sql<number>`count(*) filter (where ${progress.dueAt} <= ${now.toISOString()}::timestamptz)::int`,
    })
    .from(card)
    .leftJoin(progress, and(eq(progress.cardId, card.id), eq(progress.userId, userId)))
    .where(eq(card.languageCode, code));
  return { language: code, total: row?.total ?? 0, studied: row?.studied ?? 0, due: row?.due ?? 0 };
}
