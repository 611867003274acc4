import { Readable } from "node:stream";
import type { CliContext } from "./context.ts";

/** A context without a process, that remembers what was written. */
export function testContext(
  changes: Partial<CliContext> = {},
): CliContext & { out: () => string; err: () => string } {
  const written = { out: "", err: "" };
  return {
    stdout: { write: (text) => (written.out += text), columns: 100 },
    stderr: { write: (text) => (written.err += text), columns: 100 },
    stdin: Readable.from([]),
    env: { ROADSTEAD_HOME: "/nonexistent/roadstead" },
    cwd: "/",
    now: () => 1_800_000_000_000,
    signal: new AbortController().signal,
    isRoot: false,
    homeFolder: "/home/nobody",
    version: "0.0.0",
    command: "roadstead",
    self: ["/nonexistent/roadstead"],
    controlPlane: ["/nonexistent/node"],
    recoverHome: ["/nonexistent/node"],
    demoFolder: "/nonexistent/harbor",
    ...changes,
    out: () => written.out,
    err: () => written.err,
  };
}
