import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { findProgram } from "./edge/programs.ts";

/** The machine in one line: numbers mean nothing without it. */
export function machine(): string {
  const model = cpus()[0]?.model.replace(/\s+/g, " ").trim() ?? "unknown processor";
  const memory = Math.round(totalmem() / 2 ** 30);
  const system = /^PRETTY_NAME="?([^"\n]+)/m.exec(readIfThere("/etc/os-release"))?.[1] ?? process.platform;
  const revision = gitRevision();
  return `${availableParallelism()} cores (${model}), ${memory} GiB, ${system}, Linux ${release()}, Roadstead at ${revision}`;
}

const versionCalls: Readonly<Record<string, readonly [string, ...string[]]>> = {
  node: [process.execPath, "--version"],
  haproxy: ["haproxy", "-v"],
  nginx: ["nginx", "-v"],
  caddy: ["caddy", "version"],
  wrk: ["wrk", "-v"],
  docker: ["docker", "version", "--format", "{{.Server.Version}}"],
  "docker compose": ["docker", "compose", "version", "--short"],
};

/** `HAProxy 2.6.12`, … for those that are installed. */
export function versionsOf(programs: readonly string[]): string {
  return programs.map((name) => `${name} ${versionOf(name)}`).join(", ");
}

function versionOf(name: string): string {
  const call = versionCalls[name];
  if (call === undefined) return builtVersion(name);
  const { stdout, stderr } = spawnSync(call[0], call.slice(1), { encoding: "utf8", timeout: 10_000 });
  const text = `${stdout ?? ""}${stderr ?? ""}`;
  return /\d+\.\d+[\w.+~-]*/.exec(text)?.[0] ?? "(version unknown)";
}

/** Programs built from their modules don't know their version; build-proxies.sh writes it beside them. */
function builtVersion(name: string): string {
  try {
    return readIfThere(`${findProgram(name)}.version`).trim() || "(version unknown)";
  } catch {
    return "(not installed)";
  }
}

function gitRevision(): string {
  try {
    const options = { cwd: import.meta.dirname, encoding: "utf8" } as const;
    const commit = execFileSync("git", ["rev-parse", "--short=10", "HEAD"], options).trim();
    const changed = execFileSync("git", ["status", "--porcelain", "--", "../src", "../bin"], options).trim();
    return changed === "" ? commit : `${commit} with uncommitted changes`;
  } catch {
    return "an unknown revision";
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
