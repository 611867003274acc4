import "reflect-metadata";
import { randomUUID } from "node:crypto";
import type { Type } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { NestExpressApplication } from "@nestjs/platform-express";
import type { NextFunction, Response } from "express";
import type { ManaRequest } from "./mana-request.js";
import { ProblemFilter } from "./problem.filter.js";
import { Timings } from "./timings.js";

export type ServeOptions = { service: string; version: string; port: number; onClose: () => Promise<void> };

/** Starts a Nest module as an HTTP service: request ids, one access log line for each request, drain on SIGTERM. */
export async function serve(module: Type, options: ServeOptions): Promise<void> {
  const { service, version, port, onClose } = options;
  const app = await NestFactory.create<NestExpressApplication>(module, {
    logger: ["error", "warn"],
    abortOnError: false,
  });
  app.disable("x-powered-by");
  app.useBodyParser("json", { limit: "64kb" });
  app.use((request: ManaRequest, response: Response, next: NextFunction) => {
    prepare(request, response, service, version);
    next();
  });
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(port, "0.0.0.0");
  process.stdout.write(`${service} ${version} listens on ${port}\n`);
  let closing = false;
  const close = async () => {
    if (closing) return;
    closing = true;
    // Requests under way end; idle connections are closed.
    await app.close();
    await onClose();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void close());
}

function prepare(request: ManaRequest, response: Response, service: string, version: string): void {
  const given = request.headers["x-request-id"];
  request.requestId = typeof given === "string" && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
  request.timings = new Timings();
  response.setHeader("X-Request-Id", request.requestId);
  response.setHeader("X-App-Version", version);
  const began = performance.now();
  response.on("finish", () => {
    if (request.path === "/api/ready" || request.path === "/api/health") return;
    const { method, path, requestId } = request;
    const ms = Math.round(performance.now() - began);
    process.stdout.write(
      `${JSON.stringify({ service, method, path, status: response.statusCode, ms, requestId })}\n`,
    );
  });
}
