import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from "@nestjs/common";
import type { Response } from "express";
import type { ManaRequest } from "./mana-request.js";

/** Every error as `{ error, message, requestId }`; what is unexpected is logged, not told. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<ManaRequest>();
    const response = http.getResponse<Response>();
    const { status, body } = describe(error, request.requestId);
    if (response.headersSent) return;
    if (request.timings) response.setHeader("Server-Timing", request.timings.header);
    response.status(status).json({ ...body, requestId: request.requestId });
  }
}

function describe(error: unknown, requestId: string): { status: number; body: object } {
  if (error instanceof HttpException) {
    const body = error.getResponse();
    return {
      status: error.getStatus(),
      body:
        typeof body === "object" && "error" in body ? body : { error: "HTTP_ERROR", message: error.message },
    };
  }
  // The body parser's own errors carry their status.
  const status = (error as { status?: unknown }).status;
  if (typeof status === "number" && status >= 400 && status < 500)
    return { status, body: { error: "INVALID_BODY", message: "The body cannot be read." } };
  process.stderr.write(
    `${JSON.stringify({ requestId, error: error instanceof Error ? error.stack : String(error) })}\n`,
  );
  return { status: 500, body: { error: "INTERNAL", message: "Something went wrong here." } };
}
