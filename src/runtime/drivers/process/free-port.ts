import { createServer } from "node:net";
import { sha256 } from "../../../lib/hash.ts";
import { runtimeError } from "../../errors.ts";

/** Below Linux's ephemeral ports (32768 and up), which outgoing connections take at any time. */
const first = 20_000;
const count = 12_000;

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A loopback port nobody listens on; the same key tends to get the same one. `taken`: reserved though not bound yet. */
export async function freePort(key: string, taken: ReadonlySet<number>): Promise<number> {
  const start = Number.parseInt(sha256(key).slice(0, 8), 16) % count;
  for (let step = 0; step < count; step += 1) {
    const port = first + ((start + step) % count);
    if (!taken.has(port) && (await canListen(port))) return port;
  }
  throw runtimeError("RUNTIME_PORT_TAKEN", "no free port on the loopback interface");
}
