import { backupError } from "../backup/errors.ts";
import type { Runtime } from "../runtime/port.ts";
import type { KeptSource } from "./source-keeper.ts";

const hookLimitMs = 300_000;
const longestOutput = 1_000;

/** Runs one of the source's own commands in a replica of its first service. What cannot be flushed is not copied. */
export async function runHook(
  runtime: Runtime,
  { scope, source }: KeptSource,
  argv: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (argv === undefined) return;
  const [service] = source.services;
  const replicas = await runtime.observe(scope, signal);
  const replica = replicas.find((one) => one.service === service && one.state === "running");
  if (!replica)
    throw backupError("BACKUP_SOURCE_FAILED", `${argv[0]} cannot be run: no replica of ${service} runs`);
  let said = "";
  const hear = (chunk: Uint8Array) => {
    said = (said + Buffer.from(chunk).toString("utf8")).slice(-longestOutput);
  };
  const limited = AbortSignal.any([signal, AbortSignal.timeout(hookLimitMs)]);
  const io = { tty: false, onStdout: hear, onStderr: hear };
  const exitCode = await runtime.exec(replica.id, argv, io, limited);
  if (exitCode !== 0)
    throw backupError("BACKUP_SOURCE_FAILED", `${argv[0]} ended with exit code ${exitCode}: ${said.trim()}`);
}
