import { execFileSync } from "node:child_process";

/** One run of the load program. `errors`: answers that are not 2xx or 3xx, and broken or late connections. */
export type Reading = { rate: number; p99Ms: number; errors: number };

/** wrk, one thread, 64 keep-alive connections, as fast as it goes. */
export function wrk(url: string, seconds: number): Reading {
  const argv = ["-t1", "-c64", `-d${seconds}s`, "--latency", "--timeout", "10s", url];
  const text = execFileSync("wrk", argv, { encoding: "utf8" });
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? Number.NaN);
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(text);
  const unit = { us: 0.001, ms: 1, s: 1000 }[p99?.[2] ?? "ms"] ?? 1;
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const broken = (sockets ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0);
  return { rate, p99Ms: Number(p99?.[1] ?? Number.NaN) * unit, errors: bad + broken };
}
