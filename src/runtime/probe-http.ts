import { request } from "node:http";
import { messageOf } from "../lib/platform-error.ts";
import type { ProbeResult } from "./port.ts";

/** A probe's answer is quoted up to this many characters (see `ProbeResult.body`). */
export const quotedCharacters = 500;

export type HttpProbeTarget = {
  host: string;
  port: number;
  path: string;
  /** Status codes that count as healthy; empty: any from 200 to 399. */
  expect: readonly number[];
  timeoutMs: number;
};

/** One `GET` on a connection of its own, redirects not followed. A failure is a result; only an abort rejects. */
export function probeHttp(target: HttpProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  const url = `http://${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}${target.path}`;
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const probe = request(url, { agent: false, headers: { "user-agent": "roadstead-probe" } });
    const end = (result: ProbeResult) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      probe.destroy();
      resolve(result);
    };
    const onAbort = () => {
      clearTimeout(timer);
      probe.destroy();
      reject(signal.reason);
    };
    const timer = setTimeout(
      () => end({ ok: false, reason: `GET ${url} did not answer within ${target.timeoutMs} ms` }),
      target.timeoutMs,
    );
    signal.addEventListener("abort", onAbort, { once: true });
    probe.on("error", (error) => end({ ok: false, reason: `GET ${url} failed: ${messageOf(error)}` }));
    probe.on("response", (response) => {
      const status = response.statusCode ?? 0;
      if (accepts(target.expect, status)) {
        end({ ok: true, latencyMs: performance.now() - startedAt });
        return;
      }
      const fail = (body: string) => end({ ok: false, reason: `GET ${url} answered ${status}`, body });
      readStart(response, fail);
    });
    probe.end();
  });
}

function accepts(expect: readonly number[], status: number): boolean {
  return expect.length === 0 ? status >= 200 && status < 400 : expect.includes(status);
}

/** The first characters of a body, as soon as there are enough of them or no more come. */
function readStart(body: NodeJS.ReadableStream, done: (text: string) => void): void {
  let text = "";
  body.setEncoding("utf8");
  body.on("data", (chunk: string) => {
    text += chunk;
    if (text.length >= quotedCharacters) done(text.slice(0, quotedCharacters));
  });
  body.on("end", () => done(text));
  body.on("error", () => done(text));
}
