import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { runtimeError } from "./errors.ts";

/** Of its messages the end says why it failed. */
const keptErrorCharacters = 2_000;
const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };

/** Neither the time of reading nor the number of the process: the same files give the same bytes. */
const steady = "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime";

/** A folder's files as a tar stream. GNU tar pads a file that shrinks meanwhile, so that the archive stays whole. */
export async function* archiveFolder(
  folder: string,
  { exclude }: { exclude: readonly string[] },
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (!(await isFolder(folder)))
    throw runtimeError("RUNTIME_RESOURCE_FAILED", `there is no folder ${folder}`);
  const without = exclude.map((path) => `--exclude=./${path.replace(/^\.?\//, "")}`);
  const argv = ["--create", "--format=posix", steady, "--sort=name", "--numeric-owner", "--anchored"];
  const child = spawn("tar", [...argv, ...without, `--directory=${folder}`, "--file=-", "."], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environment,
    signal,
    killSignal: "SIGKILL",
  });
  const ended = endOf(child);
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const { code, said } = await ended;
    signal.throwIfAborted();
    // 1: files changed while they were read.
    if (code > 1) throw runtimeError("RUNTIME_RESOURCE_FAILED", `tar cannot read ${folder}: ${said}`);
  } finally {
    child.kill("SIGKILL");
    await ended.catch(() => undefined);
  }
}

/** Unpacks into a folder that is missing or empty. What is there after a failure is not whole. */
export async function fillFolder(
  folder: string,
  tar: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0)
    throw runtimeError("RUNTIME_RESOURCE_FAILED", `${folder} is not empty`, {
      hint: "Nothing is unpacked over files that are there.",
    });
  const argv = ["--extract", "--numeric-owner", "--same-owner", "--preserve-permissions"];
  const child = spawn("tar", [...argv, `--directory=${folder}`, "--file=-"], {
    stdio: ["pipe", "ignore", "pipe"],
    env: environment,
    signal,
    killSignal: "SIGKILL",
  });
  const ended = endOf(child);
  const fed = await pipeline(Readable.from(tar, { objectMode: false }), child.stdin).catch(
    (error: unknown) => error,
  );
  if (fed !== undefined && !isBrokenPipe(fed)) child.kill("SIGKILL");
  const { code, said } = await ended;
  signal.throwIfAborted();
  // A broken pipe is tar's own end: its words say more.
  if (fed !== undefined && !isBrokenPipe(fed)) throw fed;
  if (code !== 0) throw runtimeError("RUNTIME_RESOURCE_FAILED", `tar cannot write ${folder}: ${said}`);
}

async function endOf(child: ChildProcess): Promise<{ code: number; said: string }> {
  let said = "";
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (text: string) => {
    said = (said + text).slice(-keptErrorCharacters);
  });
  const failures: Error[] = [];
  child.on("error", (error) => failures.push(error));
  const [code] = (await once(child, "close").catch(() => [null])) as [number | null];
  const missing = failures.find((error) => "code" in error && error.code === "ENOENT");
  if (missing)
    throw runtimeError("RUNTIME_UNSUPPORTED", "there is no program tar on this host", {
      cause: missing,
      hint: "Install GNU tar.",
    });
  return { code: code ?? 137, said: said.trim().split("\n").slice(-2).join(" ") };
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "EPIPE" || error.code === "ERR_STREAM_PREMATURE_CLOSE")
  );
}
