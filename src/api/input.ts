import type { z } from "zod";
import type { Problem } from "../stack/problem.ts";
import { apiError, ProblemsError } from "./errors.ts";
import { positionOfJsonError } from "./json-position.ts";

/** Parses the parts of a request and reports every field that is wrong, by its path (`body.replicas.web`). */
export function parseInput(
  schemas: { params?: z.ZodType; query?: z.ZodType; body?: z.ZodType },
  input: { params: unknown; query: unknown; body: unknown },
): { params: unknown; query: unknown; body: unknown } {
  const problems: Problem[] = [];
  const parsed: { params: unknown; query: unknown; body: unknown } = {
    params: undefined,
    query: undefined,
    body: undefined,
  };
  for (const part of ["params", "query", "body"] as const) {
    const result = schemas[part]?.safeParse(input[part]);
    if (result?.success) parsed[part] = result.data;
    else if (result)
      for (const issue of result.error.issues)
        problems.push({
          severity: "error",
          code: "INPUT_INVALID",
          message: issue.message,
          path: pathOf(part, issue.path),
        });
  }
  const [one] = problems;
  if (one) throw new ProblemsError("API_INPUT_INVALID", `${one.path}: ${one.message}`, problems);
  return parsed;
}

function pathOf(part: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : `${text}.${String(key)}`),
    part,
  );
}

/** Parses a JSON body; of a broken one only the position is told, never its text, which may hold a secret. */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    const before = text.slice(0, positionOfJsonError(text)).split("\n");
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    throw apiError("API_BODY_INVALID", `the body is no valid JSON: ${place}`);
  }
}
