import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { statementText } from "./sql-text.ts";

describe("the text of a statement (R-184, R-194)", () => {
  it.each([
    [
      "SELECT * FROM users WHERE email = 'ann@example.com' AND age > 40",
      "SELECT * FROM users WHERE email = ? AND age > ?",
    ],
    [
      "select 'it''s', E'a\\'b', U&'x', $$ body $$, $tag$ $$ $tag$, -1.5e3, .5, 0xff",
      "select ?, ?, ?, ?, ?, ?, ?, ?",
    ],
    [
      "SELECT t1.a2 FROM t1\n  -- secret 42\n  /* 'x' */ WHERE id IN (1, 2,3)",
      "SELECT t1.a2 FROM t1 WHERE id IN (?, …)",
    ],
    ["INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')", "INSERT INTO t VALUES (?, …), …"],
    ['SELECT "it\'s 5" FROM t WHERE a = $1', 'SELECT "it\'s 5" FROM t WHERE a = ?'],
    ["ALTER ROLE app PASSWORD 'hush", "ALTER ROLE app PASSWORD ?"],
    ["SELECT pg_sleep(0.25)", "SELECT pg_sleep(?)"],
  ])("%s", (sql, text) => {
    expect(statementText(sql)).toBe(text);
  });

  it("never holds what stood in a text, wherever the server cut the statement off", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat({ max: 60 }), (value, cut) => {
        const literal = `'${`canary${value}`.replaceAll("'", "''")}'`;
        const whole = `UPDATE t SET a = ${literal}, b = "n" WHERE c = ${literal}`;
        expect(statementText(whole.slice(0, cut + 20))).not.toContain("canary");
        expect(statementText(whole)).toBe('UPDATE t SET a = ?, b = "n" WHERE c = ?');
      }),
    );
  });

  it("is bounded, and quick whatever it reads", () => {
    const startedAt = performance.now();
    expect(statementText(`SELECT ${"a,".repeat(100_000)} b`).length).toBe(400);
    statementText(`SELECT ${"(1,".repeat(50_000)}`);
    statementText(`SELECT ${"'".repeat(100_001)}`);
    statementText(`${"/*".repeat(50_000)}`);
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});
