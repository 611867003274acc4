import { messageOf } from "../../lib/platform-error.ts";
import { NotifyError } from "../errors.ts";

const limitMs = 10_000;
const longestRetryAfter = 3600;

/** One POST of JSON text. Redirects are not followed: they would carry the credential elsewhere. */
export async function postJson(
  url: string,
  body: string,
  { headers = {}, signal }: { headers?: Record<string, string>; signal: AbortSignal },
): Promise<void> {
  const host = hostOf(url);
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "roadstead", ...headers },
    body,
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
  }).catch((cause: unknown) => {
    // The cause may name the address, which may be the credential: only its own words are kept.
    throw new NotifyError("NOTIFY_UNAVAILABLE", `${host} did not answer: ${whyOf(cause)}`);
  });
  await response.body?.cancel().catch(() => undefined);
  if (response.ok) return;
  const what = `${host} answered ${response.status}`;
  if (response.status === 429 || response.status >= 500 || response.status === 408) {
    const retryAfterSeconds = Math.min(longestRetryAfter, Number(response.headers.get("retry-after") ?? ""));
    throw new NotifyError(
      "NOTIFY_UNAVAILABLE",
      what,
      Number.isFinite(retryAfterSeconds) ? { retryAfterSeconds } : {},
    );
  }
  throw new NotifyError("NOTIFY_REFUSED", what, {
    hint: "The receiver does not take it: is the address still valid? `roadstead notify test` tries again.",
  });
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "the receiver";
}

function whyOf(cause: unknown): string {
  if (cause instanceof Error && cause.name === "TimeoutError") return "too slow";
  const inner = cause instanceof Error ? cause.cause : undefined;
  if (typeof inner === "object" && inner !== null && "code" in inner && typeof inner.code === "string")
    return inner.code;
  return /abort/i.test(messageOf(cause)) ? "ended" : "no connection";
}
