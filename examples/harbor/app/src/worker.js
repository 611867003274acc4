import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "./database.js";
import { json, serve, version } from "./serve.js";

const every = Number(process.env.SHIP_EVERY_MS ?? 2000);
const names = [
  "Aurora",
  "Beatrix",
  "Cormorant",
  "Dagny",
  "Estelle",
  "Fjord",
  "Gull",
  "Halcyon",
  "Isolde",
  "Juno",
];
const cargoes = ["grain", "timber", "coffee", "steel", "oranges", "books", "salt", "wool"];
const stop = new AbortController();
const stopped = Promise.withResolvers();
const pool = connect(2);
const pick = (list) => list[Math.floor(Math.random() * list.length)];

let lastTickAt = 0;

/** One ship arrives, the oldest leaves when the port is full, and the harbour master says that it lives. */
async function tick() {
  await pool.query("INSERT INTO ships (name, cargo, tonnes) VALUES ($1, $2, $3)", [
    pick(names),
    pick(cargoes),
    500 + Math.floor(Math.random() * 9500),
  ]);
  await pool.query(
    `UPDATE ships SET left_at = now() WHERE id IN
       (SELECT id FROM ships WHERE left_at IS NULL ORDER BY id DESC OFFSET 12)`,
  );
  // The board shows the last few: what left long ago makes room, so that the demo may run for years.
  await pool.query("DELETE FROM ships WHERE id < (SELECT max(id) - 1000 FROM ships)");
  await pool.query(
    `INSERT INTO heartbeats (worker, version, beats) VALUES ($1, $2, 1)
     ON CONFLICT (worker) DO UPDATE SET version = $2, beats = heartbeats.beats + 1, at = now()`,
    [hostname(), version],
  );
}

/** Well while the last ship is not long ago: a worker that only sits there is not. */
async function handle() {
  const late = Date.now() - lastTickAt > 3 * every + 5000;
  return json(late ? 503 : 200, { status: late ? "no ship for too long" : "ok", version });
}

serve("worker", handle, async () => {
  stop.abort();
  await stopped.promise;
  await pool.end();
});

while (!stop.signal.aborted) {
  await tick().then(
    () => {
      lastTickAt = Date.now();
    },
    (error) => console.error(`worker: ${error.message}`),
  );
  await sleep(every, undefined, { signal: stop.signal }).catch(() => undefined);
}
stopped.resolve();
