import type { ErrorRequestHandler } from "express";
import { ZodError, z } from "zod";
import { isAway, isPermanent } from "../database/failure.ts";
import { log, reasonOf } from "../log.ts";

/** An answer that is no success, as the dashboard shows it. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const answerProblem: ErrorRequestHandler = (error, request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  const problem = toProblem(error);
  if (problem.status >= 500)
    log.error("request failed", { method: request.method, path: request.path, reason: reasonOf(error) });
  if (problem.status === 503) response.setHeader("Retry-After", "5");
  response.status(problem.status).json({ code: problem.code, message: problem.message });
};

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ZodError) return new Problem(422, "INVALID", z.prettifyError(error));
  if (isPermanent(error)) return new Problem(422, "INVALID", "the database refuses these values");
  if (isAway(error)) return new Problem(503, "DATABASE_AWAY", "the database is away; please try again");
  const status = error instanceof Error && "status" in error ? Number(error.status) : 500;
  if (status >= 400 && status < 500) return new Problem(status, "BAD_REQUEST", reasonOf(error));
  return new Problem(500, "INTERNAL", "something went wrong");
}
