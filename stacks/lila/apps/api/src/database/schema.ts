import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";

const moment = (name: string) => timestamp(name, { withTimezone: true });
const createdAt = () => moment("created_at").notNull().defaultNow();
const updatedAt = () => moment("updated_at").notNull().defaultNow();

// The first four tables belong to Better Auth, under the names that its adapter looks for.

export const user = pgTable("user", {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text().notNull().unique(),
  emailVerified: boolean("email_verified").notNull().default(false),
  image: text(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

const owner = () =>
  text("user_id")
    .notNull()
    .references(() => user.id, { onDelete: "cascade" });

export const session = pgTable(
  "session",
  {
    id: text().primaryKey(),
    expiresAt: moment("expires_at").notNull(),
    token: text().notNull().unique(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    ipAddress: text("ip_address"),
    userAgent: text("user_agent"),
    userId: owner(),
  },
  (table) => [index("session_user_id").on(table.userId)],
);

export const account = pgTable(
  "account",
  {
    id: text().primaryKey(),
    accountId: text("account_id").notNull(),
    providerId: text("provider_id").notNull(),
    userId: owner(),
    accessToken: text("access_token"),
    refreshToken: text("refresh_token"),
    idToken: text("id_token"),
    accessTokenExpiresAt: moment("access_token_expires_at"),
    refreshTokenExpiresAt: moment("refresh_token_expires_at"),
    scope: text(),
    password: text(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    index("account_user_id").on(table.userId),
    uniqueIndex("account_provider_subject").on(table.providerId, table.accountId),
  ],
);

export const verification = pgTable(
  "verification",
  {
    id: text().primaryKey(),
    identifier: text().notNull(),
    value: text().notNull(),
    expiresAt: moment("expires_at").notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [index("verification_identifier").on(table.identifier)],
);

// What is studied: written by the seeder, read by everybody.

export const language = pgTable("language", {
  code: text().primaryKey(),
  name: text().notNull(),
  nativeName: text("native_name").notNull(),
});

export const card = pgTable(
  "card",
  {
    id: text().primaryKey(),
    languageCode: text("language_code")
      .notNull()
      .references(() => language.code),
    position: integer().notNull(),
    front: text().notNull(),
    back: text().notNull(),
  },
  (table) => [uniqueIndex("card_language_position").on(table.languageCode, table.position)],
);

// What one person did.

export const learner = pgTable("learner", {
  userId: owner().primaryKey(),
  languageCode: text("language_code")
    .notNull()
    .references(() => language.code),
  chosenAt: moment("chosen_at").notNull().defaultNow(),
});

export const progress = pgTable(
  "progress",
  {
    userId: owner(),
    cardId: text("card_id")
      .notNull()
      .references(() => card.id),
    box: integer().notNull(),
    dueAt: moment("due_at").notNull(),
    answers: integer().notNull().default(1),
    answeredAt: moment("answered_at").notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.cardId] }),
    index("progress_user_due").on(table.userId, table.dueAt),
    check("progress_box", sql`${table.box} between 1 and 6`),
  ],
);

/** Each answer once: its id is made in the browser, so that a repeated request counts a single time. */
export const answer = pgTable(
  "answer",
  {
    id: uuid().primaryKey(),
    userId: owner(),
    cardId: text("card_id")
      .notNull()
      .references(() => card.id),
    known: boolean().notNull(),
    answeredAt: moment("answered_at").notNull().defaultNow(),
  },
  (table) => [index("answer_user_id").on(table.userId)],
);
