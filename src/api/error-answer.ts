import type { FastifyError } from "fastify";
import { PlatformError } from "../lib/platform-error.ts";
import type { ApiErrorBody } from "./contract/models.ts";
import { apiError, ProblemsError, statusOf } from "./errors.ts";

/** What a caller learns of a failure: never a stack, and of an unexpected one not even the message. */
export function errorAnswer(
  error: unknown,
  requestId: string,
): { status: number; body: ApiErrorBody["error"] } {
  const known = asPlatformError(error);
  return {
    status: statusOf(known.code),
    body: {
      code: known.code,
      message: known.message,
      ...(known.hint === undefined ? {} : { hint: known.hint }),
      requestId,
      ...(known instanceof ProblemsError ? { problems: known.problems } : {}),
    },
  };
}

function asPlatformError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  switch (fastifyCode(error)) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return apiError("API_BODY_TOO_LARGE", "the body is too large");
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return apiError("API_BODY_INVALID", "the body has a content type that is not JSON");
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return apiError("API_BODY_INVALID", "the body does not have the announced length");
    case "FST_ERR_BAD_URL":
    case "FST_ERR_MAX_PARAM_LENGTH":
      return apiError("API_NOT_FOUND", "the path is not valid");
    default:
      return apiError("API_INTERNAL", "the control plane failed at this request", { cause: error });
  }
}

function fastifyCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String((error as FastifyError).code) : undefined;
}
