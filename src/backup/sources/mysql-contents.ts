import { createHash } from "node:crypto";
import type { ManifestPart } from "../../policy/backup-manifest.ts";
import type { SqlSession } from "./sql-session.ts";

/** Schemas of people, not of the server. */
export const ownSchemas = "NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')";

/** The structure, without texts that a server may write in another way once they were dumped and restored. */
const structureSql = [
  `SELECT JSON_ARRAY('column', c.table_schema, c.table_name, t.table_type, c.ordinal_position, c.column_name, c.column_type,
     c.is_nullable, c.extra, c.collation_name) FROM information_schema.columns c JOIN information_schema.tables t
   ON t.table_schema = c.table_schema AND t.table_name = c.table_name WHERE c.table_schema ${ownSchemas}`,
  `SELECT JSON_ARRAY('index', table_schema, table_name, index_name, non_unique, seq_in_index, column_name)
   FROM information_schema.statistics WHERE table_schema ${ownSchemas}`,
  `SELECT JSON_ARRAY('constraint', table_schema, table_name, constraint_name, constraint_type)
   FROM information_schema.table_constraints WHERE table_schema ${ownSchemas}`,
  `SELECT JSON_ARRAY('routine', routine_schema, routine_name, routine_type, MD5(routine_definition))
   FROM information_schema.routines WHERE routine_schema ${ownSchemas}`,
  `SELECT JSON_ARRAY('trigger', trigger_schema, trigger_name, event_object_table, event_manipulation, action_timing)
   FROM information_schema.triggers WHERE trigger_schema ${ownSchemas}`,
  `SELECT JSON_ARRAY('event', event_schema, event_name, event_type) FROM information_schema.events WHERE event_schema ${ownSchemas}`,
];

/** Floating point numbers are left out: mysqldump writes fewer digits than are stored. */
const columnsSql = `SELECT JSON_ARRAY(t.table_schema, t.table_name, c.column_name, c.data_type IN ('float', 'double'))
  FROM information_schema.tables t JOIN information_schema.columns c
    ON c.table_schema = t.table_schema AND c.table_name = t.table_name
  WHERE t.table_type = 'BASE TABLE' AND t.table_schema ${ownSchemas}
  ORDER BY t.table_schema, t.table_name, c.ordinal_position`;

const checksumRows = 20_000;

/** Rows of every table and a digest of the structure, as the session's transaction sees them. */
export async function mysqlContents(
  session: SqlSession,
): Promise<{ schema: string; parts: readonly ManifestPart[] }> {
  const tables = new Map<string, { quoted: string; columns: string[] }>();
  for (const [schema, table, column, isFloat] of (await session.rows(columnsSql)) as [
    string,
    string,
    string,
    number,
  ][]) {
    const name = `${schema}.${table}`;
    const found = tables.get(name) ?? { quoted: `${quoted(schema)}.${quoted(table)}`, columns: [] };
    if (isFloat === 0) found.columns.push(quoted(column));
    tables.set(name, found);
  }
  const parts: ManifestPart[] = [];
  for (const [name, { quoted: table, columns }] of tables) {
    const [rows = 0] = (await session.rows(`SELECT COUNT(*) FROM ${table}`)) as number[];
    const isSmall = rows > 0 && rows <= checksumRows && columns.length > 0;
    const checksum = isSmall ? await checksumOf(session, table, columns) : undefined;
    parts.push({ name, rows, ...(checksum === undefined ? {} : { checksum }) });
  }
  const hash = createHash("sha256");
  for (const sql of structureSql)
    for (const row of (await session.rows(sql)).map((found) => JSON.stringify(found)).sort())
      hash.update(row).update("\n");
  return { schema: hash.digest("hex"), parts };
}

/** The same in any order of the rows. */
async function checksumOf(session: SqlSession, table: string, columns: readonly string[]): Promise<string> {
  const texts = columns.map((column) => `COALESCE(HEX(CAST(${column} AS BINARY)), 'NULL')`);
  const [sum] = await session.rows(`SELECT SUM(CRC32(CONCAT_WS(',', ${texts.join(", ")}))) FROM ${table}`);
  return String(sum);
}

function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
