import { runtimeError } from "../../errors.ts";
import { refusedWith } from "./client.ts";

/** Runs work on a resource and says which, when the engine refuses. */
export async function named<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw resourceError(what, error);
  }
}

/** The engine's refusal as ours; anything else unchanged. */
export function resourceError(what: string, cause: unknown): unknown {
  if (!refusedWith(cause, 400, 403, 404, 409, 500, 501)) return cause;
  return runtimeError("RUNTIME_RESOURCE_FAILED", `${what}: ${cause.message}`, {
    cause,
    hint: "The engine's own words are above; `docker network ls` and `docker volume ls` show what exists.",
  });
}

export function missingExternal(kind: "network" | "volume", name: string): Error {
  return runtimeError("RUNTIME_RESOURCE_FAILED", `the external ${kind} ${name} does not exist`, {
    hint: `Create it with \`docker ${kind} create ${name}\`, or remove \`external: true\`.`,
  });
}
