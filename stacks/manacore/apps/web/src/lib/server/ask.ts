/** A JSON request to a peer with a limit on time; the answer's status is part of the result. */
export type Answer<T> = { ok: true; body: T } | { ok: false; status: number; message: string };

type Request = { method?: "GET" | "POST"; body?: object; token?: string; requestId?: string };

const timeoutMs = 40_000;

export async function ask<T>(url: string, request: Request = {}): Promise<Answer<T>> {
  const { method = "GET", body, token, requestId } = request;
  try {
    const response = await fetch(url, {
      method,
      headers: {
        ...(body ? { "content-type": "application/json" } : {}),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(requestId ? { "x-request-id": requestId } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const answer = text === "" ? {} : JSON.parse(text);
    if (response.ok) return { ok: true, body: answer as T };
    return {
      ok: false,
      status: response.status,
      message: answer.message ?? "The service answered with an error.",
    };
  } catch (error) {
    console.error(`${new URL(url).host}: ${error instanceof Error ? error.message : "unknown error"}`);
    return { ok: false, status: 503, message: "The service cannot be reached; try again in a moment." };
  }
}
