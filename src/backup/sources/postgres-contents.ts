import { createHash } from "node:crypto";
import type { ManifestPart } from "../../policy/backup-manifest.ts";
import type { SqlSession } from "./sql-session.ts";

/** Schemas of people, not of the server or of a session. */
const ownSchemas = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`;
/** What an extension brings is made again by CREATE EXTENSION; its rows are not dumped. */
const notOfExtension = (catalog: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

/** Tables that hold rows themselves: partitions, but not what they are partitions of; no foreign tables, no views. */
const tablesSql = `SELECT json_build_array(n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname))
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${ownSchemas} AND ${notOfExtension("pg_class", "c.oid")}
  ORDER BY 1::text`;

/**
 * The structure, without the texts of expressions: a server may write an expression in another way once it was dumped
 * and restored, and a digest that cries wolf is worse than none.
 */
const structureSql = [
  `SELECT json_build_array('extension', extname) FROM pg_catalog.pg_extension`,
  `SELECT json_build_array('relation', n.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity,
     (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef,
       a.attidentity, a.attgenerated) ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relpersistence <> 't' AND ${ownSchemas}
     AND ${notOfExtension("pg_class", "c.oid")}`,
  `SELECT json_build_array('index', n.nspname, t.relname, c.relname, i.indisunique, i.indisprimary, i.indisvalid,
     am.amname, (SELECT json_agg(pg_catalog.pg_get_indexdef(i.indexrelid, k, true) ORDER BY k)
       FROM generate_series(1, i.indnatts) k WHERE i.indkey[k - 1] <> 0))
   FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
     JOIN pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_catalog.pg_am am ON am.oid = c.relam
   WHERE ${ownSchemas} AND ${notOfExtension("pg_class", "t.oid")}`,
  `SELECT json_build_array('constraint', n.nspname, t.relname, c.conname, c.contype, c.convalidated, c.condeferrable,
     f.relname, (SELECT json_agg(a.attname ORDER BY a.attname) FROM pg_catalog.pg_attribute a
       WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)))
   FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
     LEFT JOIN pg_catalog.pg_class t ON t.oid = c.conrelid LEFT JOIN pg_catalog.pg_class f ON f.oid = c.confrelid
   WHERE c.contype <> 'n' AND ${ownSchemas} AND ${notOfExtension("pg_class", "c.conrelid")}`,
  `SELECT json_build_array('function', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid),
     p.prokind, md5(p.prosrc))
   FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
   WHERE ${ownSchemas} AND ${notOfExtension("pg_proc", "p.oid")}`,
  `SELECT json_build_array('trigger', n.nspname, c.relname, t.tgname, t.tgenabled, t.tgtype)
   FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT t.tgisinternal AND ${ownSchemas} AND ${notOfExtension("pg_class", "c.oid")}`,
  `SELECT json_build_array('type', n.nspname, t.typname, t.typtype,
     (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid))
   FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
   WHERE t.typtype IN ('e', 'd', 'r') AND ${ownSchemas} AND ${notOfExtension("pg_type", "t.oid")}`,
  `SELECT json_build_array('policy', n.nspname, c.relname, p.polname, p.polcmd)
   FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${ownSchemas}`,
];

/** Of tables up to this many rows all contents are compared, too. */
const checksumRows = 20_000;

export type DatabaseContents = { structure: string; parts: ManifestPart[] };

/**
 * Rows of every table of the session's database and a digest of its structure, as its transaction sees them. Every
 * table counted stays locked against being dropped or truncated until the transaction ends.
 */
export async function contentsOf(session: SqlSession, database: string): Promise<DatabaseContents> {
  const parts: ManifestPart[] = [];
  for (const [name, quoted] of (await session.rows(tablesSql)) as [string, string][]) {
    const [rows = 0] = (await session.rows(`SELECT count(*) FROM ONLY ${quoted}`)) as number[];
    const checksum = rows > 0 && rows <= checksumRows ? await checksumOf(session, quoted) : undefined;
    parts.push({ name: `${database}.${name}`, rows, ...(checksum === undefined ? {} : { checksum }) });
  }
  const [objects = 0] = (await session.rows(
    "SELECT count(*) FROM pg_catalog.pg_largeobject_metadata",
  )) as number[];
  if (objects > 0) parts.push({ name: `${database} large objects`, rows: objects });
  const hash = createHash("sha256");
  for (const sql of structureSql)
    for (const row of (await session.rows(sql)).map((found) => JSON.stringify(found)).sort())
      hash.update(row).update("\n");
  return { structure: hash.digest("hex"), parts };
}

/** The same in any order of the rows. */
async function checksumOf(session: SqlSession, table: string): Promise<string | undefined> {
  const sql = `SELECT to_json(sum(hashtextextended((t.*)::text COLLATE "C", 0))::text) FROM ONLY ${table} t`;
  const [sum] = (await session.rows(sql)) as string[];
  return sum;
}
