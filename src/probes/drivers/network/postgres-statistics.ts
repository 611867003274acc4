import type { Client } from "pg";
import type { DatabaseReading, DatabaseTarget, SeenStatement, SlowStatement } from "../../port.ts";
import { withPostgres } from "./postgres-client.ts";

const mostStatements = 50;
const longestText = 2000;

const databasesSql = `SELECT d.datname AS database, s.blks_hit::float8 AS hit, s.blks_read::float8 AS read,
    CASE WHEN d.datconnlimit >= 0 THEN least(d.datconnlimit, current_setting('max_connections')::int)
      ELSE current_setting('max_connections')::int END AS max,
    (SELECT count(*)::int FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid
      AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()) AS connections
  FROM pg_catalog.pg_database d JOIN pg_catalog.pg_stat_database s ON s.datid = d.oid
  WHERE NOT d.datistemplate AND d.datallowconn ORDER BY 1 LIMIT 50`;

/** Where the extension is, in whatever schema; with rows only if the server has loaded it. */
const extensionSql = `SELECT quote_ident(n.nspname) AS schema FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'
    AND current_setting('shared_preload_libraries') ~ 'pg_stat_statements'
    AND string_to_array(e.extversion, '.')::int[] >= '{1,8}'`;

/** What a session asked last, or still asks: idle ones still tell how long it took. */
const activitySql = `SELECT datname AS database, pid || ' ' || query_start AS key, left(query, ${longestText}) AS text,
    1000 * extract(epoch FROM CASE WHEN state = 'active' THEN clock_timestamp() ELSE state_change END - query_start)::float8 AS ms
  FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND query_start IS NOT NULL AND query <> '' AND datname IS NOT NULL AND query !~* '^\\s*(listen|copy|vacuum)'
  ORDER BY query_start DESC LIMIT 500`;

type DatabaseRow = { database: string; hit: number; read: number; max: number; connections: number };
type ActivityRow = SeenStatement & { database: string };
type StatementRow = SlowStatement & { database: string };
type TotalRow = { database: string; calls: number; ms: number };

/**
 * All databases of the server in three questions. The totals of statements come from pg_stat_statements where the server
 * has loaded it and the signed-in database has the extension; else statements are seen as they run or have just ended.
 */
export function readPostgres(
  target: DatabaseTarget,
  slowMs: number,
  signal: AbortSignal,
): Promise<DatabaseReading[]> {
  return withPostgres({ ...target, tls: false }, (client) => readAll(client, slowMs), signal);
}

async function readAll(client: Client, slowMs: number): Promise<DatabaseReading[]> {
  const { rows } = await client.query<DatabaseRow>(databasesSql);
  const own = rows.filter(({ database }) => database !== "postgres");
  const shown = own.length === 0 ? rows : own;
  const { rows: extensions } = await client.query<{ schema: string }>(extensionSql);
  const schema = extensions[0]?.schema;
  const statements = schema === undefined ? await seen(client) : await counted(client, schema, slowMs);
  return shown.map(({ database, hit, read, max, connections }) => ({
    database,
    connections,
    connectionsMax: max,
    ...(hit + read === 0 ? {} : { cacheHit: hit / (hit + read) }),
    ...statements(database),
  }));
}

type Statements = (database: string) => Pick<DatabaseReading, "statements" | "seen" | "slow">;

async function seen(client: Client): Promise<Statements> {
  const { rows } = await client.query<ActivityRow>(activitySql);
  return (wanted) => ({
    seen: rows.filter(({ database }) => database === wanted).map(({ key, text, ms }) => ({ key, text, ms })),
  });
}

async function counted(client: Client, schema: string, slowMs: number): Promise<Statements> {
  const from = `FROM ${schema}.pg_stat_statements s JOIN pg_catalog.pg_database d ON d.oid = s.dbid`;
  const totals = await client.query<TotalRow>(
    `SELECT d.datname AS database, sum(s.calls)::float8 AS calls, sum(s.total_exec_time)::float8 AS ms
     ${from} GROUP BY 1`,
  );
  const slow = await client.query<StatementRow>(
    `SELECT d.datname AS database, concat_ws(' ', s.userid, s.dbid, s.queryid) AS key,
       left(s.query, ${longestText}) AS text, s.calls::float8 AS calls,
       s.total_exec_time AS ms, s.max_exec_time AS "maxMs"
     ${from} WHERE s.max_exec_time >= $1 ORDER BY s.max_exec_time DESC LIMIT ${mostStatements}`,
    [slowMs],
  );
  return (wanted) => ({
    statements: totals.rows.find(({ database }) => database === wanted) ?? { calls: 0, ms: 0 },
    slow: slow.rows.filter(({ database }) => database === wanted),
  });
}
