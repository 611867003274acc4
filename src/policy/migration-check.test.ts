import { describe, expect, it } from "vitest";
import { checkMigrations, isMigrationFile } from "./migration-check.ts";

const rules = (text: string) =>
  checkMigrations([{ path: "m.sql", text }]).map(({ rule, line, blocks }) => `${rule} ${line} ${blocks}`);

describe("migrations that the serving release survives (R-132)", () => {
  it.each([
    ["DROP TABLE users;", "drop 1 true"],
    ["drop table if exists users cascade;", "drop 1 true"],
    ["\n\nALTER TABLE users DROP COLUMN name;", "drop 3 true"],
    ['ALTER TABLE ONLY "public"."Users" DROP "name";', "drop 1 true"],
    ["ALTER TABLE users RENAME TO people;", "rename 1 true"],
    ["ALTER TABLE users RENAME COLUMN a TO b;", "rename 1 true"],
    ["ALTER TABLE users RENAME a TO b;", "rename 1 true"],
    ["RENAME TABLE users TO people;", "rename 1 true"],
    ["ALTER TABLE users CHANGE COLUMN a b int;", "rename 1 true"],
    ["ALTER TABLE users ADD COLUMN age int NOT NULL;", "not-null 1 true"],
    ["ALTER TABLE users ALTER COLUMN age SET NOT NULL;", "not-null 1 true"],
    ["ALTER TABLE users ALTER COLUMN age TYPE smallint;", "type-change 1 true"],
    ["ALTER TABLE users ALTER age SET DATA TYPE varchar(10);", "type-change 1 true"],
    ["ALTER TABLE users MODIFY COLUMN age tinyint;", "type-change 1 true"],
    ["CREATE INDEX users_name ON users (name);", "index-lock 1 false"],
  ])("%s: %s", (text, expected) => {
    expect(rules(text)).toEqual([expected]);
  });

  it.each([
    "CREATE TABLE users (id int NOT NULL, name text);",
    "ALTER TABLE users ADD COLUMN age int;",
    "ALTER TABLE users ADD COLUMN age int NOT NULL DEFAULT 0;",
    "ALTER TABLE users ADD COLUMN id bigserial PRIMARY KEY;",
    "ALTER TABLE users ADD CONSTRAINT u UNIQUE (name);",
    "ALTER TABLE users DROP CONSTRAINT u, DROP CONSTRAINT v;",
    "ALTER TABLE users ALTER COLUMN name DROP NOT NULL;",
    "ALTER TABLE users ALTER COLUMN name TYPE text;",
    "ALTER TABLE users ALTER COLUMN id TYPE bigint USING id::bigint;",
    "CREATE INDEX CONCURRENTLY users_name ON users (name);",
    "DROP INDEX CONCURRENTLY users_name;",
    "-- DROP TABLE users;\n/* ALTER TABLE users DROP COLUMN a; */",
    "INSERT INTO notes VALUES ('; DROP TABLE users;');",
    "CREATE FUNCTION f() RETURNS void AS $$ BEGIN DROP TABLE t; END $$ LANGUAGE plpgsql;",
    "CREATE TABLE a (x int); CREATE INDEX i ON a (x); ALTER TABLE a DROP COLUMN x; DROP TABLE a;",
    "",
    "'never closed; DROP TABLE users",
  ])("passes %j", (text) => {
    expect(rules(text)).toEqual([]);
  });

  it("finds each clause and statement with its own line", () => {
    const text =
      "BEGIN;\nALTER TABLE t\n  ADD COLUMN a numeric(10, 2) NOT NULL,\n  DROP COLUMN b;\nDROP TABLE u;\n";
    expect(rules(text)).toEqual(["not-null 2 true", "drop 2 true", "drop 5 true"]);
  });

  it("only warns of what is labelled as the second half of a change", () => {
    expect(rules("DROP TABLE a;\n-- roadstead: contract, unused since v41\nDROP TABLE b;")).toEqual([
      "drop 1 true",
      "drop 3 false",
    ]);
  });

  it("knows files that a release runs", () => {
    const paths = ["db/1.sql", "db/1.down.sql", "test/x.sql", "db/rollback/1.sql", "db/seeds/1.sql", "a.ts"];
    expect(paths.filter(isMigrationFile)).toEqual(["db/1.sql"]);
  });
});
