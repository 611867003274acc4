import { connect } from "node:net";
import { messageOf } from "../lib/platform-error.ts";
import type { ProbeResult } from "./port.ts";

export type TcpProbeTarget = { host: string; port: number; timeoutMs: number };

/** One connection, closed at once. A failure is a result; only an abort rejects. */
export function probeTcp(target: TcpProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  const where = `${target.host}:${target.port}`;
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = connect({ host: target.host, port: target.port });
    const end = (result: ProbeResult) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = () => {
      clearTimeout(timer);
      socket.destroy();
      reject(signal.reason);
    };
    const timer = setTimeout(
      () => end({ ok: false, reason: `${where} did not accept a connection within ${target.timeoutMs} ms` }),
      target.timeoutMs,
    );
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("connect", () => end({ ok: true, latencyMs: performance.now() - startedAt }));
    socket.on("error", (error) =>
      end({ ok: false, reason: `cannot connect to ${where}: ${messageOf(error)}` }),
    );
  });
}
