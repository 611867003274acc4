/** What a handler gives back: an object goes out as JSON, a string as HTML unless the headers say otherwise. */
export type Answer = {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
};

export const json = (body: unknown, status = 200): Answer => ({ status, body });
export const noContent: Answer = { status: 204 };
export const badRequest = (error: string): Answer => ({ status: 400, body: { error } });
export const redirect = (location: string): Answer => ({ status: 303, headers: { location } });
