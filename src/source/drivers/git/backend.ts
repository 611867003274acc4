import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { sourceError } from "../../errors.ts";
import type { GitAnswer, GitRequest } from "../../port.ts";
import { gitEnvironment } from "./environment.ts";

/** A head that is longer than this is not one of git's. */
const headLimitBytes = 16_384;

/** One request through `git http-backend`: CGI variables in, CGI head and body out. */
export async function gitBackend(
  repository: string,
  request: GitRequest,
  signal: AbortSignal,
): Promise<GitAnswer> {
  const child = spawn("git", ["http-backend"], {
    env: {
      ...gitEnvironment(),
      ...request.hook,
      GIT_PROJECT_ROOT: repository,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: request.path,
      QUERY_STRING: request.query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.contentType,
      GIT_PROTOCOL: request.protocol,
      REMOTE_USER: request.user,
      GIT_COMMITTER_NAME: request.user,
      GIT_COMMITTER_EMAIL: "push@localhost",
      // Without it http-backend refuses a push, whoever the caller is.
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.receivepack",
      GIT_CONFIG_VALUE_0: "true",
    },
    stdio: ["pipe", "pipe", "ignore"],
    signal,
  });
  const failed = new Promise<never>((_resolve, reject) => {
    child.on("error", (cause) =>
      reject(sourceError("SOURCE_GIT_FAILED", "git http-backend can't be run", { cause })),
    );
  });
  failed.catch(() => undefined);
  const sent =
    request.contentEncoding === "gzip"
      ? pipeline(request.body, createGunzip(), child.stdin)
      : pipeline(request.body, child.stdin);
  // A client that goes away ends the child's input; git then gives up by itself.
  sent.catch(() => child.stdin.destroy());
  const head = await Promise.race([readHead(child.stdout), failed]);
  return { ...head, body: child.stdout };
}

async function readHead(stream: Readable): Promise<{ status: number; headers: Record<string, string> }> {
  let text = Buffer.alloc(0);
  for (;;) {
    const chunk = (await nextChunk(stream)) ?? undefined;
    if (chunk === undefined)
      throw sourceError("SOURCE_GIT_FAILED", "git http-backend ended without an answer");
    text = Buffer.concat([text, chunk]);
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) {
      const rest = text.subarray(end + 4);
      if (rest.length > 0) stream.unshift(rest);
      return parseHead(text.subarray(0, end).toString("latin1"));
    }
    if (text.length > headLimitBytes)
      throw sourceError("SOURCE_GIT_FAILED", "git http-backend's head is too long");
  }
}

function nextChunk(stream: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      stream.off("readable", settle);
      stream.off("end", settle);
      stream.off("error", reject);
      resolve((stream.read() as Buffer | null) ?? undefined);
    };
    const ready = stream.read() as Buffer | null;
    if (ready !== null) return resolve(ready);
    stream.on("readable", settle);
    stream.on("end", settle);
    stream.on("error", reject);
  });
}

function parseHead(text: string): { status: number; headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of text.split("\r\n")) {
    const [name = "", value = ""] = line.split(/:\s*/, 2);
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else headers[name.toLowerCase()] = line.slice(line.indexOf(":") + 1).trim();
  }
  return { status, headers };
}
