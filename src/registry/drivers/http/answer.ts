import { RegistryError } from "../../errors.ts";

const longestWaitSeconds = 24 * 3600;

/** What an answer of 400 and above means; its text is not shown, it may repeat what was sent. */
export function refuse(who: string, response: Response): RegistryError {
  const { status } = response;
  if (status === 401 || status === 403)
    return new RegistryError("REGISTRY_DENIED", `${who} answered ${status}`);
  const retryAfterSeconds = retryAfter(response.headers.get("retry-after"));
  if (status === 429)
    return new RegistryError("REGISTRY_BUSY", `${who} asks to come back later`, { retryAfterSeconds });
  const code = status >= 500 ? "REGISTRY_FAILED" : "REGISTRY_ANSWER_INVALID";
  return new RegistryError(code, `${who} answered ${status}`, { retryAfterSeconds });
}

/** The seconds form only; a date would need the registry's clock to be right. */
function retryAfter(header: string | null): number | undefined {
  if (header === null || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(Number(header), longestWaitSeconds);
}

/** The body, unless it is longer than `limit`. */
export async function readLimited(response: Response, limit: number, who: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > limit)
      throw new RegistryError("REGISTRY_ANSWER_INVALID", `${who} answered with more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A JSON mapping of an answer. */
export function parseMapping(body: Buffer, who: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    value = undefined;
  }
  if (!isMapping(value))
    throw new RegistryError("REGISTRY_ANSWER_INVALID", `${who} answered no JSON document`);
  return value;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Only its texts; annotations and labels of strangers may hold anything. */
export function texts(value: unknown): Record<string, string> {
  if (!isMapping(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
