import { readFile } from "node:fs/promises";
import { extname, join, normalize, sep } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { apiError } from "./errors.ts";

/** What begins so is never a page, however it is asked for: a client must get the API's own error. */
const notPages = ["/api/", "/git/", "/git-hook", "/hooks/", "/metrics"];

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
};

/** Only what this server sends runs in the page, and nobody frames it. */
const pageHeaders = {
  "content-security-policy":
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
};

/**
 * Serves the built dashboard: files with a hash in their name for ever, the page itself never from a cache. Paths
 * without a file are the page's own. Packed copies (`.br`, `.gz`) lie beside the files. Nothing is kept in memory.
 */
export function webFiles(app: FastifyInstance, folder: string): void {
  const config = { access: "anonymous" as const };
  app.get("/", { config }, (request, reply) => sendPage(folder, request, reply));
  app.get("/*", { config }, async (request, reply) => {
    const path = decodeURIComponent(request.url.split("?")[0] ?? "/");
    if (notPages.some((prefix) => path.startsWith(prefix))) throw unknown(path);
    if (extname(path) === "") return sendPage(folder, request, reply);
    const file = normalize(join(folder, path));
    if (!file.startsWith(folder + sep) || types[extname(file)] === undefined) throw unknown(path);
    if (!(await sendFile(file, request, reply))) throw unknown(path);
    return reply;
  });
}

async function sendPage(folder: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (!String(request.headers["accept"] ?? "").includes("text/html")) throw unknown(request.url);
  reply.headers(pageHeaders);
  if (await sendFile(join(folder, "index.html"), request, reply)) return reply;
  return reply.code(503).type("text/html; charset=utf-8").send(notBuilt);
}

/** False: there is no such file. */
async function sendFile(file: string, request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
  const accepted = String(request.headers["accept-encoding"] ?? "");
  for (const [encoding, ending] of [
    ["br", ".br"],
    ["gzip", ".gz"],
    ["", ""],
  ] as const) {
    if (!accepted.includes(encoding)) continue;
    const content = await readFile(file + ending).catch(() => undefined);
    if (content === undefined) continue;
    if (encoding !== "") reply.header("content-encoding", encoding);
    reply.headers({
      "content-type": types[extname(file)],
      vary: "accept-encoding",
      "cache-control": file.includes(`${sep}assets${sep}`)
        ? "public, max-age=31536000, immutable"
        : "no-cache",
    });
    reply.send(content);
    return true;
  }
  return false;
}

function unknown(path: string): Error {
  return apiError("API_NOT_FOUND", `there is no GET ${path.split("?")[0]?.slice(0, 200)}`);
}

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Roadstead</title>
<h1>The dashboard is not built</h1>
<p>The control plane works; only its pages are missing. On the host, in the folder of Roadstead, run:</p>
<pre>sh scripts/setup.sh</pre>
<p>It says what went wrong. Then load this page again; nothing has to be restarted. Until then everything can be done
with the command line: <code>./roadstead status</code>.</p>
</html>
`;
