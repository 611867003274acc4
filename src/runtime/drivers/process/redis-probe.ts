import { connect } from "node:net";
import { messageOf } from "../../../lib/platform-error.ts";
import type { ProbeResult } from "../../port.ts";

export type RedisProbeTarget = {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  timeoutMs: number;
};

/** Authenticates if there is a password, then demands `PONG`: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export function probeRedis(target: RedisProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  const where = `redis at ${target.host}:${target.port}`;
  const startedAt = performance.now();
  const { user, password } = target;
  const auth = password === undefined ? [] : [["AUTH", ...(user === undefined ? [] : [user]), password]];
  const commands = [...auth, ["PING"]];
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
    socket.on("connect", () => socket.write(commands.map(encode).join("")));
    socket.on("error", (error) =>
      end({ ok: false, reason: `cannot connect to ${where}: ${messageOf(error)}` }),
    );
    socket.on("close", () => end({ ok: false, reason: `${where} closed the connection without an answer` }));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("utf8");
      const lines = answer.split("\r\n").slice(0, -1);
      const error = lines.find((line) => line.startsWith("-"));
      if (error !== undefined) return end({ ok: false, reason: explain(where, error.slice(1)) });
      if (lines.length < commands.length) return;
      if (lines.at(-1) === "+PONG") end({ ok: true, latencyMs: performance.now() - startedAt });
      else end({ ok: false, reason: `${where} answered ${lines.at(-1)} instead of PONG` });
    });
  });
}

function encode(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}

function explain(where: string, error: string): string {
  if (/^(WRONGPASS|NOAUTH|ERR (invalid password|Client sent AUTH|AUTH))/i.test(error))
    return `${where}: auth failed (${error})`;
  return `${where} is not ready: ${error}`;
}
