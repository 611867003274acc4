import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../../lib/platform-error.ts";
import { run } from "../../../lib/run.ts";
import { runtimeError } from "../../errors.ts";
import type { ImageRequest } from "../../port.ts";
import { buildCommand } from "./build-argv.ts";
import type { BuildGroup } from "./build-limits.ts";
import type { DockerHost } from "./host.ts";

const buildTimeoutMs = 60 * 60_000;

/**
 * Builds through the Docker CLI (it alone sends only what changed of the context) and returns the image's id. Builds
 * take turns, and their steps have limits.
 */
export async function buildImage(
  host: DockerHost,
  request: ImageRequest,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const driver = await host.cgroupDriver(signal);
  return await host.buildLimits.run(driver, signal, async (group) => {
    if (group === undefined) onLine("note: no control group can be made here, the build runs without limits");
    return await buildWithin(host, group, { request, onLine, signal });
  });
}

type Work = { request: ImageRequest; onLine: (line: string) => void; signal: AbortSignal };

async function buildWithin(
  host: DockerHost,
  group: BuildGroup | undefined,
  { request, onLine, signal }: Work,
): Promise<string> {
  const { compose, service } = request;
  if (compose.build === undefined) throw new Error("no build section");
  await mkdir(host.filesDirectory, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(host.filesDirectory, "build-"));
  try {
    const env = { ...shellEnvironment(), DOCKER_HOST: `unix://${host.client.socketPath}` };
    const iidFile = join(folder, "image-id");
    const command = buildCommand({
      service,
      build: compose.build,
      ...(compose.platform ? { platform: compose.platform } : {}),
      tags: [...new Set([...(compose.image ? [compose.image] : []), ...(compose.build.tags ?? [])])],
      iidFile,
      secretFiles: await writeSecrets(folder, request.buildSecrets ?? {}),
      buildx: await hasBuildx(env, signal),
      ...(group === undefined ? {} : { cgroupParent: group.parent }),
    });
    onLine(`$ ${command.argv.join(" ")}`);
    const hitsBefore = await group?.hits();
    const last: string[] = [];
    const outcome = await run(command.argv, {
      env: { ...env, ...command.env },
      ...(command.input === undefined ? {} : { input: command.input }),
      timeoutMs: buildTimeoutMs,
      signal,
      onLine: (line) => {
        last.push(line);
        if (last.length > 20) last.shift();
        onLine(line);
      },
    });
    if (outcome.exitCode === 0) return (await readFile(iidFile, "utf8")).trim();
    const hits = (await group?.hits()) ?? 0;
    if (group && hits > (hitsBefore ?? 0) && last.some((line) => killed.test(line)))
      throw outOfMemory(service, group);
    const why = last.findLast((line) => /error/i.test(line)) ?? last.at(-1) ?? "no output";
    throw runtimeError("RUNTIME_BUILD_FAILED", `the build of ${service} failed: ${why.trim()}`);
  } catch (error) {
    if (!hasCode(error, "RUN_FAILED")) throw error;
    if (signal.aborted) throw signal.reason;
    throw runtimeError("RUNTIME_BUILD_FAILED", `${service} must be built, but the Docker CLI is missing`, {
      hint: "Install the `docker` command with its buildx plugin, or name a finished `image`.",
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The limit is also met by files that the kernel then drops from memory: only with a kill does it explain a failure. */
const killed = /exit code: 137|cannot allocate memory|\bKilled\b|SIGKILL/;

function outOfMemory(service: string, { memoryBytes }: BuildGroup): Error {
  const megabytes = Math.round(memoryBytes / 1024 / 1024);
  return runtimeError(
    "RUNTIME_BUILD_FAILED",
    `the build of ${service} failed: build out of memory, it took more than ${megabytes} MB`,
    {
      hint: "Let the build take less, e.g. with NODE_OPTIONS=--max-old-space-size, or build on a larger host.",
    },
  );
}

async function hasBuildx(env: Record<string, string>, signal: AbortSignal): Promise<boolean> {
  const outcome = await run(["docker", "buildx", "version"], { env, timeoutMs: 15_000, signal });
  return outcome.exitCode === 0;
}

async function writeSecrets(
  folder: string,
  secrets: Readonly<Record<string, Uint8Array>>,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [index, [name, content]] of Object.entries(secrets).entries()) {
    const path = join(folder, `secret-${index}`);
    await writeFile(path, content, { mode: 0o400 });
    files[name] = path;
  }
  return files;
}

function shellEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
