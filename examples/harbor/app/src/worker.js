import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "./database.js";
import { version } from "./serve.js";

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
const pool = connect(2);
const pick = (list) => list[Math.floor(Math.random() * list.length)];

for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stop.abort());

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

console.log(`worker v${version} starts, a ship every ${every} ms`);
while (!stop.signal.aborted) {
  await tick().catch((error) => console.error(`worker: ${error.message}`));
  await sleep(every, undefined, { signal: stop.signal }).catch(() => undefined);
}
await pool.end();
console.log(`worker v${version} ends`);
