import { connect } from "node:net";
import { messageOf } from "../../../lib/platform-error.ts";
import type { ProbeResult } from "../../port.ts";
import { startupMessage } from "./postgres-session.ts";

export type PostgresProbeTarget = {
  host: string;
  port: number;
  user: string;
  database: string;
  timeoutMs: number;
};

/**
 * What `pg_isready` does: opens a connection and looks at the first answer. A demand for a password means ready; an error
 * 57P03 (cannot_connect_now) means that the server is starting, stopping or recovering; any other error means ready.
 * https://www.postgresql.org/docs/17/protocol-flow.html
 */
export function probePostgres(target: PostgresProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  const where = `postgres at ${target.host}:${target.port}`;
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = connect({ host: target.host, port: target.port });
    const end = (result: ProbeResult) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.setTimeout(target.timeoutMs, () =>
      end({ ok: false, reason: `${where} did not answer within ${target.timeoutMs} ms` }),
    );
    socket.on("connect", () => socket.write(startupMessage(target.user, target.database)));
    socket.on("error", (error) =>
      end({ ok: false, reason: `cannot connect to ${where}: ${messageOf(error)}` }),
    );
    socket.on("close", () => end({ ok: false, reason: `${where} closed the connection without an answer` }));
    let answer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer[0] === 0x52) return end({ ok: true, latencyMs: performance.now() - startedAt });
      if (answer[0] !== 0x45)
        return end({ ok: false, reason: `${where} does not speak PostgreSQL's protocol` });
      if (answer.length < 5 || answer.length < answer.readUInt32BE(1) + 1) return;
      const text = answer.subarray(5).toString("utf8");
      const message = /(?:^|\0)M([^\0]*)/.exec(text)?.[1] ?? "";
      if (/(?:^|\0)C57P03\0/.test(text)) end({ ok: false, reason: `${where} is not ready: ${message}` });
      else end({ ok: true, latencyMs: performance.now() - startedAt });
    });
  });
}
