import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

const mostCharacters = 500_000;

export type Question = {
  /** Sent as a form by POST; absent: GET. */
  form?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  timeoutMs: number;
};

/**
 * One request on a connection of its own. A kept connection may be closed from the other side at the very moment at
 * which it is used again; nobody knows then whether the request was heard, and a sign-in's code works only once.
 */
export function askOnce(url: URL, question: Question): Promise<{ status: number; text: string }> {
  const { form, timeoutMs } = question;
  const body = form === undefined ? "" : new URLSearchParams(form).toString();
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const formHeaders = {
    "content-type": "application/x-www-form-urlencoded",
    "content-length": Buffer.byteLength(body),
  };
  const options = {
    method: form === undefined ? "GET" : "POST",
    headers: { ...question.headers, ...(form === undefined ? {} : formHeaders) },
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > mostCharacters) response.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
