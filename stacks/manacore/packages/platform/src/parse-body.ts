import { BadRequestException } from "@nestjs/common";
import type { z } from "zod";

/** Parses a request body; every problem in one 400. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
  throw new BadRequestException({ error: "INVALID_BODY", message: problems.join("; "), problems });
}
