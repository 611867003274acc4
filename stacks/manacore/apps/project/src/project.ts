import type { Migration } from "@manacore/platform/migrations";
import type { z } from "zod";

/** What makes one project of the ecosystem: the thing that its users make. */
export type Project = {
  name: string;
  input: z.ZodType<object>;
  /** Document of a new item; pure, so that it can be tested without a server. */
  make: (input: object) => object;
};

export const migrations: readonly Migration[] = [
  {
    name: "001-items",
    sql: `CREATE TABLE items (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      user_id uuid NOT NULL,
      body jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX items_of_user ON items (user_id, created_at DESC)`,
  },
  {
    name: "002-short-codes",
    sql: "CREATE UNIQUE INDEX items_code ON items ((body ->> 'code')) WHERE body ? 'code'",
  },
];

/** Binds input schema and maker, so that the maker sees its own type. */
export function defineProject<T extends object>(
  name: string,
  input: z.ZodType<T>,
  make: (input: T) => object,
): Project {
  return { name, input, make: (value) => make(input.parse(value)) };
}
