/** An expected refusal, told to the client as it is. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const notFound = (what: string) => new HttpError(404, "NOT_FOUND", `no such ${what}`);
export const forbidden = () => new HttpError(403, "FORBIDDEN", "this is not yours to see or do");
export const unauthorized = (message = "sign in first") => new HttpError(401, "UNAUTHORIZED", message);
export const conflict = (message: string) => new HttpError(409, "CONFLICT", message);
/** Of one feature; the rest goes on. */
export const unavailable = (feature: string) =>
  new HttpError(503, "UNAVAILABLE", `${feature} is not available at the moment`, { "retry-after": "10" });
