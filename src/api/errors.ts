import { PlatformError } from "../lib/platform-error.ts";
import { hasErrors, type Problem } from "../stack/problem.ts";

/** Code -> status and what the caller can do about it: the errors that the API itself makes. */
export const apiErrors = {
  API_INPUT_INVALID: { status: 400, hint: "Correct the fields that are named." },
  API_BODY_INVALID: { status: 400, hint: "Send one JSON document with `content-type: application/json`." },
  API_BODY_TOO_LARGE: {
    status: 413,
    hint: "A request body may have 32 MiB; leave out files that Compose does not need.",
  },
  API_TOKEN_MISSING: {
    status: 401,
    hint: "Send `authorization: Bearer <token>`; `roadstead up` printed one at its first start.",
  },
  API_TOKEN_INVALID: { status: 401, hint: "The token was revoked or is misspelt; make a new one." },
  API_TOKEN_EXPIRED: { status: 401, hint: "Make a new one: `roadstead token create`." },
  API_TLS_NEEDED: {
    status: 403,
    hint: "Come through a proxy on this machine that ends TLS, or through an SSH tunnel: ssh -L 7700:127.0.0.1:7700 HOST.",
  },
  API_SESSION_OVER: { status: 401, hint: "Sign in again." },
  API_FORBIDDEN: {
    status: 403,
    hint: "Ask an administrator for the role; `roadstead user list` shows who has which.",
  },
  API_CSRF_REFUSED: {
    status: 403,
    hint: "Send `x-roadstead-request: 1` from the page itself, or use an API token.",
  },
  API_TOO_MANY_FAILURES: { status: 429, hint: "Wait for the time in Retry-After, and check the token." },
  API_HOST_REFUSED: {
    status: 403,
    hint: "Use an IP address or localhost, or name the host with `roadstead up --allow-host`.",
  },
  API_ORIGIN_REFUSED: { status: 403, hint: "Web pages of other sites may not call this API." },
  API_NOT_FOUND: { status: 404, hint: "See /api/v1/openapi.json for what there is." },
  API_TOO_MANY_STREAMS: { status: 503, hint: "Close some log or event streams." },
  API_STACK_INVALID: { status: 422, hint: "`roadstead check` shows every problem with its line." },
  API_LAST_TOKEN: { status: 409, hint: "Make another token first; without one nobody could sign in." },
  API_CLOSING: { status: 503, hint: "The control plane is being restarted; try again in a moment." },
  API_INTERNAL: { status: 500, hint: "The control plane's log has the details under this request id." },
} as const;

export type ApiErrorCode = keyof typeof apiErrors;

/** A refusal that carries every problem found, not the first one. */
export class ProblemsError extends PlatformError {
  readonly problems: readonly Problem[];

  constructor(code: ApiErrorCode, message: string, problems: readonly Problem[]) {
    super(code, message, { hint: apiErrors[code].hint });
    this.problems = problems;
  }
}

/** A refusal that ends by itself. */
export class LaterError extends PlatformError {
  readonly retryAfterSeconds: number;

  constructor(error: PlatformError, retryAfterSeconds: number) {
    super(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export function apiError(
  code: ApiErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: apiErrors[code].hint, ...options });
}

/** Refuses a stack with errors, naming all of them; warnings pass. */
export function refuseErrors(problems: readonly Problem[]): void {
  if (!hasErrors(problems)) return;
  const count = problems.filter((problem) => problem.severity === "error").length;
  throw new ProblemsError(
    "API_STACK_INVALID",
    `the stack has ${count} ${count === 1 ? "error" : "errors"}`,
    problems,
  );
}

/** Status of the codes that come from below. What is not listed is the platform's own failure: 500. */
const statuses: Readonly<Record<string, number>> = {
  VAULT_BUSY: 409,
  FENCED: 503,
  RECOVER_NO_COPY: 409,
  RECOVER_NOT_RUNNING: 404,
  VAULT_NO_SOURCE: 404,
  VAULT_NOTHING_TO_RESTORE: 404,
  VAULT_NO_UNDO: 409,
  VAULT_NO_RUN: 404,
  VAULT_NO_RELEASE: 404,
  VAULT_NO_REPOSITORY: 409,
  VAULT_REPOSITORY_INVALID: 400,
  VAULT_REPOSITORY_USED: 409,
  BACKUP_TOOL_MISSING: 422,
  BACKUP_REPOSITORY_KEY: 422,
  BACKUP_REPOSITORY_UNREACHABLE: 422,
  BACKUP_REPOSITORY_FULL: 422,
  BACKUP_REPOSITORY_DAMAGED: 422,
  BACKUP_SNAPSHOT_MISSING: 404,
  ENGINE_STACK_UNKNOWN: 404,
  ENGINE_SERVICE_UNKNOWN: 404,
  ENGINE_RELEASE_UNKNOWN: 404,
  RUNTIME_REPLICA_MISSING: 404,
  STORE_NOT_FOUND: 404,
  DELIVERY_RUN_UNKNOWN: 404,
  SOURCE_UNKNOWN: 404,
  SOURCE_COMMIT_UNKNOWN: 404,
  SOURCE_NAME_INVALID: 400,
  DELIVERY_RUN_OVER: 409,
  DELIVERY_NOT_WAITING: 409,
  DELIVERY_NOT_FROZEN: 409,
  DELIVERY_GATED: 409,
  UPDATE_NOT_WAITING: 409,
  UPDATE_APPROVAL_REFUSED: 403,
  DELIVERY_APPROVAL_REFUSED: 403,
  SOURCE_FETCH_FAILED: 422,
  WEBHOOK_UNKNOWN: 401,
  WEBHOOK_REPLAYED: 409,
  WEBHOOK_REFUSED: 403,
  WEBHOOK_NO_URL: 422,
  FORGE_SIGNATURE_MISSING: 401,
  FORGE_SIGNATURE_INVALID: 401,
  FORGE_TOKEN_IN_URL: 401,
  FORGE_BODY_INVALID: 400,
  VARIABLE_REFUSED: 422,
  VARIABLE_LOOKS_SECRET: 422,
  ROTATION_BUSY: 409,
  SECRET_UNKNOWN: 422,
  SECRET_REFERENCE_INVALID: 422,
  SECRET_TOO_LARGE: 422,
  SECRETS_NOT_CONFIGURED: 422,
  SECRETS_DENIED: 502,
  SECRETS_UNAVAILABLE: 503,
  ENGINE_NOTHING_TO_ROLL_BACK: 409,
  ENGINE_NOTHING_RUNNING: 409,
  ENGINE_NO_CANARY: 409,
  ENGINE_ROUTE_TAKEN: 409,
  RUNTIME_REPLICA_NOT_RUNNING: 409,
  ENGINE_STACK_INVALID: 422,
  ENGINE_BUILD_VALUES_DIFFER: 422,
  ENGINE_FILE_MISSING: 422,
  ENGINE_SCALE_REFUSED: 422,
  TELEMETRY_QUERY: 400,
  RUNTIME_UNSUPPORTED: 422,
  ACCESS_SIGN_IN_REFUSED: 401,
  ACCESS_CODE_NEEDED: 401,
  ACCESS_TOO_MANY_ATTEMPTS: 429,
  ACCESS_BUSY: 503,
  ACCESS_SETUP_CODE_WRONG: 401,
  ACCESS_ALREADY_SET_UP: 409,
  ACCESS_INVITATION_INVALID: 401,
  ACCESS_PASSWORD_WEAK: 422,
  ACCESS_USER_EXISTS: 409,
  ACCESS_USER_UNKNOWN: 404,
  ACCESS_LAST_ADMIN: 409,
  ACCESS_TOO_MANY_USERS: 409,
  ACCESS_TOTP_WRONG: 422,
  ACCESS_PROVIDER_UNKNOWN: 404,
  ACCESS_PROVIDER_FAILED: 502,
  ACCESS_NOT_INVITED: 403,
  ALERT_UNKNOWN: 404,
  INCIDENT_UNKNOWN: 404,
  INCIDENT_NOT_OVER: 409,
  RECOVERY_BUSY: 409,
  RECOVERY_NOT_POSSIBLE: 422,
  DRILL_UNKNOWN: 404,
  ALERT_SILENCE_UNKNOWN: 404,
  ALERT_ONCALL_INVALID: 422,
  NOTIFY_CHANNEL_UNKNOWN: 404,
  NOTIFY_CHANNEL_LIMIT: 409,
  NOTIFY_CHANNEL_INVALID: 422,
  NOTIFY_REFUSED: 502,
  NOTIFY_UNAVAILABLE: 502,
  STORE_LOCKED: 503,
  STORE_UNAVAILABLE: 503,
  RUNTIME_UNREACHABLE: 503,
  EDGE_UNREACHABLE: 503,
};

export function statusOf(code: string): number {
  return Object.hasOwn(apiErrors, code) ? apiErrors[code as ApiErrorCode].status : (statuses[code] ?? 500);
}
