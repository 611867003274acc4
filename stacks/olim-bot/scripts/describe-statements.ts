import { createHash } from "node:crypto";
import type { Client } from "pg";
import { migrations } from "../src/database/migrations.ts";
import { statements } from "../src/database/statements.ts";

/** What the server says about a statement without running it. */
export type Description = {
  hash: string;
  parameters: string[];
  columns: { name: string; type: string; nullable: boolean }[];
};
export type Descriptions = { migrations: string; statements: Record<string, Description> };

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What the committed descriptions must say to be of today's statements and migrations. */
export function currentHashes(): { migrations: string; statements: Record<string, string> } {
  return {
    migrations: hashOf(JSON.stringify(migrations)),
    statements: Object.fromEntries(Object.entries(statements).map(([name, sql]) => [name, hashOf(sql)])),
  };
}

type Field = { name: string; tableID: number; columnID: number; dataTypeID: number };
type Wire = {
  parse(query: { text: string }): void;
  describe(what: { type: "S" }): void;
  sync(): void;
  once(event: "parameterDescription", listener: (message: { dataTypeIDs: number[] }) => void): void;
};

/** PostgreSQL's Parse and Describe: names and types, and an error for a column that does not exist. */
export async function describe(client: Client, sql: string): Promise<Description> {
  const { parameters, fields } = await new Promise<{ parameters: number[]; fields: Field[] }>(
    (resolve, reject) => {
      let found: number[] = [];
      let rows: Field[] = [];
      let failure: Error | undefined;
      const submittable = {
        submit(connection: Wire) {
          connection.once("parameterDescription", (message) => {
            found = message.dataTypeIDs;
          });
          connection.parse({ text: sql });
          connection.describe({ type: "S" });
          connection.sync();
        },
        handleRowDescription(message: { fields: Field[] }) {
          rows = message.fields;
        },
        handleError(error: Error) {
          failure = error;
          reject(error);
        },
        handleReadyForQuery() {
          if (!failure) resolve({ parameters: found, fields: rows });
        },
      };
      client.query(submittable as never);
    },
  );
  const description: Description = { hash: hashOf(sql), parameters: [], columns: [] };
  for (const oid of parameters) description.parameters.push(await typeName(client, oid));
  for (const field of fields)
    description.columns.push({
      name: field.name,
      type: await typeName(client, field.dataTypeID),
      nullable: await isNullable(client, field),
    });
  return description;
}

async function typeName(client: Client, oid: number): Promise<string> {
  const { rows } = await client.query<{ name: string }>("SELECT $1::oid::regtype::text AS name", [oid]);
  return rows[0]?.name ?? "unknown";
}

async function isNullable(client: Client, field: Field): Promise<boolean> {
  if (field.tableID === 0) return true;
  const { rows } = await client.query<{ required: boolean }>(
    "SELECT attnotnull AS required FROM pg_attribute WHERE attrelid = $1::oid AND attnum = $2",
    [field.tableID, field.columnID],
  );
  return !rows[0]?.required;
}
