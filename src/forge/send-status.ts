import { messageOf } from "../lib/platform-error.ts";
import { forgeError } from "./errors.ts";
import type { CommitStatus, StatusPlace } from "./port.ts";

/** GitHub refuses longer ones. */
const maxDescription = 140;
const limitMs = 15_000;
/** Worth another try: the forge is busy or broken, or counts our requests. */
const passing = new Set([408, 425, 429]);

/** One POST to `<api>/repos/<owner>/<name>/statuses/<commit>`, which all three forges have. */
export async function sendStatus(
  apiUrl: string,
  headers: Readonly<Record<string, string>>,
  { repository, commit }: StatusPlace,
  status: CommitStatus,
  signal: AbortSignal,
): Promise<void> {
  const name = repository.split("/").map(encodeURIComponent).join("/");
  const url = `${apiUrl.replace(/\/+$/, "")}/repos/${name}/statuses/${commit}`;
  const { state, description, context, targetUrl } = status;
  const body = {
    state,
    context,
    description:
      description.length > maxDescription ? `${description.slice(0, maxDescription - 1)}…` : description,
    ...(targetUrl === undefined ? {} : { target_url: targetUrl }),
  };
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "roadstead", ...headers },
    body: JSON.stringify(body),
    // A redirect would carry the token somewhere else.
    redirect: "error",
    signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
  }).catch((cause: unknown) => {
    throw forgeError("FORGE_UNREACHABLE", `${apiUrl} can't be reached: ${messageOf(cause)}`, { cause });
  });
  await response.body?.cancel();
  if (response.ok) return;
  const code = response.status >= 500 || passing.has(response.status) ? "FORGE_UNREACHABLE" : "FORGE_REFUSED";
  throw forgeError(code, `${apiUrl} answered ${response.status} to the status of ${repository}`);
}
