import { Socket } from "node:net";
import type { Client } from "pg";

export type PostgresPlace = {
  host: string;
  port: number;
  user?: string | undefined;
  password?: string | undefined;
  database?: string | undefined;
  tls: boolean;
  ca?: string | undefined;
};

/** A session that ends with the signal. Nothing is taken from this process's own `PG…` variables or password file. */
export async function withPostgres<T>(
  place: PostgresPlace,
  work: (client: Client) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { default: pg } = await import("pg");
  signal.throwIfAborted();
  const socket = new Socket();
  const onAbort = () => socket.destroy(new Error("it took too long"));
  signal.addEventListener("abort", onAbort, { once: true });
  const user = place.user ?? "postgres";
  const client = new pg.Client({
    host: place.host,
    port: place.port,
    user,
    // A function, because an empty text would be replaced by PGPASSWORD.
    password: () => place.password ?? "",
    database: place.database ?? user,
    application_name: "roadstead",
    ssl: place.tls ? (place.ca === undefined ? true : { ca: place.ca }) : false,
    stream: () => socket,
    options: "-c statement_timeout=5000 -c lock_timeout=1000",
  });
  // Without a listener the end of the server would end this process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (socket.destroyed) socket.unref();
    else socket.end(Buffer.from([0x58, 0, 0, 0, 4]), () => socket.destroySoon());
  }
}
