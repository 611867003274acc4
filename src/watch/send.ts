import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";

export type Outgoing = {
  method: "GET" | "POST";
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
};

const limitMs = 10_000;

/** One request; redirects are not followed. Errors name the host only: the rest of an address may be a secret. */
export function send({ method, url, headers = {}, body }: Outgoing, signal: AbortSignal): Promise<void> {
  const { host, protocol } = new URL(url);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const request = protocol === "https:" ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const options = {
      method,
      agent: false,
      signal: limit,
      headers: { "user-agent": "roadstead", ...headers },
    };
    const call = request(url, options, (response) => {
      const status = response.statusCode ?? 0;
      response.destroy();
      if (status >= 200 && status < 300) resolve();
      else reject(new Error(`${host} answered ${status}`));
    });
    call.on("error", (error) => {
      const code = "code" in error && typeof error.code === "string" ? error.code : "no answer";
      reject(
        signal.aborted ? signal.reason : new Error(`${host}: ${limit.aborted ? "no answer in time" : code}`),
      );
    });
    call.end(body);
  });
}
