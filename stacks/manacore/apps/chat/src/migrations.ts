import type { Migration } from "@manacore/platform/migrations";

export const migrations: readonly Migration[] = [
  {
    name: "001-users",
    sql: `CREATE TABLE users (
      id uuid PRIMARY KEY,
      credits integer NOT NULL CHECK (credits >= 0),
      created_at timestamptz NOT NULL DEFAULT now()
    )`,
  },
  {
    name: "002-messages",
    sql: `CREATE TABLE messages (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      user_id uuid NOT NULL REFERENCES users (id),
      prompt text NOT NULL,
      reply text NOT NULL,
      model text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX messages_of_user ON messages (user_id, id DESC)`,
  },
];
