import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { type UpstreamConnection, UpstreamPool } from "./upstream-pool.ts";

/** One request on a connection of the pool; resolves with the body's length. `pausing`: as for a client that is slow. */
function askOver(
  pool: UpstreamPool,
  pausing: boolean,
): Promise<{ connection: UpstreamConnection; bytes: number }> {
  const connection = pool.acquire({ once: false, fresh: false }, performance.now());
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("no answer in 5 s")), 5_000);
    const user = {
      onConnected: () => undefined,
      onHead: () => undefined,
      onWritable: () => undefined,
      onBody: (chunk: Buffer) => {
        bytes += chunk.length;
        if (pausing && bytes === 65_536) connection.socket.pause();
      },
      onComplete: () => {
        clearTimeout(late);
        resolve({ connection, bytes });
      },
      onFailure: (kind: string, detail: string) => reject(new Error(`${kind}: ${detail}`)),
    };
    connection.send(user, "GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  });
}

it("gives a connection that was paused for a slow client to the next request reading again", async () => {
  const server = createServer((_, response) => response.end("x".repeat(65_536))).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const pool = new UpstreamPool({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  try {
    const first = await askOver(pool, true);
    const second = await askOver(pool, false);
    expect(second.connection).toBe(first.connection);
    expect(second.bytes).toBe(65_536);
  } finally {
    pool.close();
    server.closeAllConnections();
    server.close();
  }
});
