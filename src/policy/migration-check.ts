import { type SqlStatement, sqlStatements } from "./sql-statements.ts";

export type MigrationRule = "drop" | "rename" | "not-null" | "type-change" | "index-lock";

/** A statement after which the release that still serves would fail, or wait. */
export type MigrationIssue = {
  rule: MigrationRule;
  path: string;
  line: number;
  /** The part of the statement, shortened. */
  what: string;
  /** `index-lock` and what is labelled only warn. */
  blocks: boolean;
};

type Found = { rule: MigrationRule; what: string };

/** Written beside a statement: the serving release no longer uses what goes away. */
const label = /roadstead:\s*contract\b/i;
const name = String.raw`(?:[\w.$]+|"[^"]+"|\`[^\`]+\`|\[[^\]]+\])(?:\.(?:\w+|"[^"]+"|\`[^\`]+\`|\[[^\]]+\]))*`;
const createTable = new RegExp(
  String.raw`^create\s+(?:(?:global|local)\s+)?(?:temp(?:orary)?\s+|unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(${name})`,
  "i",
);
const alterTable = new RegExp(
  String.raw`^alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(${name})\s*([\s\S]*)$`,
  "i",
);
const dropThing = /^drop\s+(table|view|materialized\s+view|schema|type|column|sequence)\b/i;
const createIndex = new RegExp(
  String.raw`^create\s+(?:unique\s+)?index\s+(?!concurrently)[\s\S]*?\bon\s+(?:only\s+)?(${name})`,
  "i",
);
/** These take what was there before as it is. */
const wideTypes =
  /^(text|bigint|int8|varchar|character\s+varying|numeric|double\s+precision|float8|jsonb?)\s*(?![\w(])/i;

/** Looks at the SQL that a release would run while the one before still serves. Tables made by it are its own. */
export function checkMigrations(files: readonly { path: string; text: string }[]): MigrationIssue[] {
  const read = files.map(({ path, text }) => ({ path, statements: sqlStatements(text) }));
  const made = new Set(read.flatMap(({ statements }) => statements.flatMap(({ sql }) => tableMadeBy(sql))));
  return read.flatMap(({ path, statements }) =>
    statements.flatMap((statement) =>
      issuesOf(statement, made).map(({ rule, what }) => ({
        rule,
        path,
        line: statement.line,
        what: shorten(what),
        blocks: rule !== "index-lock" && !label.test(statement.comments),
      })),
    ),
  );
}

function tableMadeBy(sql: string): string[] {
  const found = createTable.exec(sql)?.[1];
  return found === undefined ? [] : [plainName(found)];
}

function issuesOf({ sql }: SqlStatement, made: ReadonlySet<string>): Found[] {
  const altered = alterTable.exec(sql);
  if (altered) {
    if (made.has(plainName(altered[1] ?? ""))) return [];
    return clausesOf(altered[2] ?? "").flatMap((clause) => clauseIssue(clause, altered[1] ?? ""));
  }
  const dropped = dropThing.exec(sql);
  if (dropped) {
    const names = sql.slice(dropped[0].length).replace(/\bif\s+exists\b|\b(cascade|restrict)\b/gi, "");
    const foreign = names.split(",").filter((one) => !made.has(plainName(one.trim())));
    return foreign.length === 0 ? [] : [{ rule: "drop", what: sql }];
  }
  if (/^rename\s+table\b/i.test(sql) || /^alter\s+(view|type|schema)\b[\s\S]*\brename\b/i.test(sql))
    return [{ rule: "rename", what: sql }];
  const indexed = createIndex.exec(sql)?.[1];
  if (indexed !== undefined && !made.has(plainName(indexed))) return [{ rule: "index-lock", what: sql }];
  return [];
}

function clauseIssue(clause: string, table: string): Found[] {
  const what = `${table}: ${clause}`;
  if (
    /^drop\s+(?!constraint\b|default\b|foreign\b|primary\b|index\b|key\b|check\b|partition\b)/i.test(clause)
  )
    return [{ rule: "drop", what }];
  if (/^rename\s+(?!constraint\b|index\b|key\b)/i.test(clause) || /^change\s/i.test(clause))
    return [{ rule: "rename", what }];
  if (/^add\s+(?!constraint\b|primary\b|foreign\b|unique\b|check\b|index\b|key\b)/i.test(clause)) {
    const filled = /\bdefault\b|\bgenerated\b|\bidentity\b|\bauto_increment\b|\b(small|big)?serial\b/i;
    const strict = /\bnot\s+null\b|\bprimary\s+key\b/i.test(clause) && !filled.test(clause);
    return strict ? [{ rule: "not-null", what }] : [];
  }
  if (/^alter\s[\s\S]*\bset\s+not\s+null\b/i.test(clause)) return [{ rule: "not-null", what }];
  const type = /^alter\s[\s\S]*?\b(?:set\s+data\s+)?type\s+([\s\S]+)$/i.exec(clause)?.[1];
  if (type !== undefined && !wideTypes.test(`${type} `)) return [{ rule: "type-change", what }];
  if (/^modify\s/i.test(clause)) return [{ rule: "type-change", what }];
  return [];
}

/** Parts between commas that are in no parentheses. */
function clausesOf(text: string): string[] {
  const clauses: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const char = text[at];
    if (char === "(") depth += 1;
    else if (char === ")") depth -= 1;
    else if (char === undefined || (char === "," && depth <= 0)) {
      clauses.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return clauses.filter((clause) => clause !== "");
}

/** `"public"."Users"` and `users` are the same table here. */
function plainName(written: string): string {
  const parts = written.replace(/["`[\]]/g, "").split(".");
  return (parts.at(-1) ?? "").toLowerCase();
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

/** SQL that a release may run: no way back, no test data. */
export function isMigrationFile(path: string): boolean {
  if (!path.endsWith(".sql") || /\.(down|undo|rollback)\.sql$/i.test(path)) return false;
  return !/(^|\/)(node_modules|tests?|__tests__|fixtures|seeds?|down|rollback|undo)\//i.test(path);
}
