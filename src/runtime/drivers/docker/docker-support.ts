import { run } from "../../../lib/run.ts";

/** Why tests against a real engine cannot run here; `undefined` when they can. In CI a missing engine is a failure. */
export async function engineProblem(): Promise<string | undefined> {
  const outcome = await run(["docker", "version", "--format", "{{.Server.Version}}"], {
    timeoutMs: 15_000,
  }).catch((error: unknown) => ({ exitCode: 1, stdout: "", stderr: String(error) }));
  if (outcome.exitCode === 0) return undefined;
  const problem = `no Docker engine answers here: ${outcome.stderr.trim().split("\n")[0]}`;
  if (process.env["CI"] === "true") throw new Error(problem);
  return problem;
}
