import { accessSync, constants, readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// Before the first import of ours: stripped and compiled modules are kept, so that only the first start pays.
const compileCache = join(import.meta.dirname, "..", "node_modules", ".cache", "compile");
const writable = isWritable(compileCache);
enableCompileCache(writable ? compileCache : undefined);
const { runCli } = await import("../src/cli/program.ts");

const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const interrupt = new AbortController();
process.once("SIGTERM", () => interrupt.abort(new Error("terminated")));
process.once("SIGINT", () => {
  interrupt.abort(new Error("interrupted"));
  // A second Ctrl-C ends the process at once, whatever still waits.
  process.once("SIGINT", () => process.exit(130));
});
// A closed pipe (`roadstead logs | head`) is the reader's wish to end.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  now: Date.now,
  signal: interrupt.signal,
  isRoot: process.getuid?.() === 0,
  homeFolder: homedir(),
  version,
  command: process.cwd() === root ? "./roadstead" : "roadstead",
  self: [process.execPath, join(root, "bin", "cli.ts")],
  recoverHome: [process.execPath, join(root, "bin", "recover.ts")],
  // It waits most of its life: 7 MB less matter more than its speed (V8, flag-definitions.h).
  controlPlane: [process.execPath, "--optimize-for-size", join(root, "bin", "control-plane.ts")],
  ...(writable ? { compileCache } : {}),
  demoFolder: join(root, "examples", "harbor"),
});

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    // Not set up by scripts/setup.sh, or another user's checkout.
    return false;
  }
}
