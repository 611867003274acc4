import { PlatformError } from "../../lib/platform-error.ts";
import type { Problem } from "../../stack/problem.ts";
import { type ApiErrorBody, errorSchema } from "./models.ts";

/** An answer with a status of 400 or more, or a failure inside a stream (then `status` is 200). */
export class ApiError extends PlatformError {
  readonly status: number;
  readonly requestId: string;
  readonly problems: readonly Problem[];

  constructor(status: number, body: ApiErrorBody["error"]) {
    super(body.code, body.message, body.hint === undefined ? {} : { hint: body.hint });
    this.name = "ApiError";
    this.status = status;
    this.requestId = body.requestId;
    this.problems = body.problems ?? [];
  }
}

/** No control plane answered at all. */
export function unreachable(where: string, cause: unknown): PlatformError {
  return new PlatformError("API_UNREACHABLE", `no control plane answers at ${where}`, {
    hint: "Start it with `roadstead up`, or name another one with --host.",
    cause,
  });
}

/** The error of a failed answer; also of one that some proxy in between made. */
export async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  const parsed = errorSchema.safeParse(parseJson(text));
  if (parsed.success) return new ApiError(response.status, parsed.data.error);
  return new ApiError(response.status, {
    code: "API_ANSWER_UNKNOWN",
    message: `the answer ${response.status} did not come from Roadstead: ${text.slice(0, 200)}`,
    hint: "Is something else listening on this address?",
    requestId: response.headers.get("x-request-id") ?? "",
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
