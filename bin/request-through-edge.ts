import { request } from "node:http";
import type { EngineParts } from "../src/reconciler/parts.ts";

const bodyLimit = 64 * 1024;

/** Smoke checks go the way a client goes: to the edge's listener, with the route's host. */
export function requestThroughEdge(http: { host: string; port: number }): EngineParts["request"] {
  const host = http.host === "0.0.0.0" ? "127.0.0.1" : http.host === "::" ? "::1" : http.host;
  return (check, name, signal) =>
    new Promise((resolve, reject) => {
      const options = {
        host,
        port: http.port,
        method: check.method,
        path: check.path,
        headers: { host: name },
        signal,
      };
      const call = request({ ...options, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          if (body.length < bodyLimit) body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      });
      call.on("error", reject);
      call.end();
    });
}
