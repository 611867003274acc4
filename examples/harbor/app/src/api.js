import { connect } from "./database.js";
import { json, serve, version } from "./serve.js";

const pool = connect();

async function board() {
  const [counts, ships, worker] = await Promise.all([
    pool.query(`SELECT (SELECT coalesce(max(id), 0)::int FROM ships) AS total,
                       count(*)::int AS in_port,
                       coalesce(sum(tonnes), 0)::int AS tonnes
                FROM ships WHERE left_at IS NULL`),
    pool.query("SELECT name, cargo, tonnes, arrived_at, left_at FROM ships ORDER BY id DESC LIMIT 8"),
    pool.query("SELECT worker, version, beats::int, at FROM heartbeats ORDER BY at DESC LIMIT 1"),
  ]);
  return {
    version,
    total: counts.rows[0].total,
    inPort: counts.rows[0].in_port,
    tonnes: counts.rows[0].tonnes,
    ships: ships.rows.map((ship) => ({
      name: ship.name,
      cargo: ship.cargo,
      tonnes: ship.tonnes,
      arrivedAt: ship.arrived_at,
      leftAt: ship.left_at,
    })),
    worker: worker.rows[0] ?? null,
  };
}

async function handle(request, url) {
  if (url.pathname === "/healthz") {
    await pool.query("SELECT 1");
    return json(200, { status: "ok", version });
  }
  if (url.pathname === "/api/board" && request.method === "GET") {
    const answer = json(200, await board());
    // Only for plain Docker Compose, where page and API have different ports.
    return { ...answer, headers: { "access-control-allow-origin": "*" } };
  }
  return json(404, { error: `no such path: ${url.pathname}` });
}

serve("api", handle, () => pool.end());
