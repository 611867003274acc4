import { page } from "./page.js";
import { json, serve, version } from "./serve.js";

const api = process.env.API_URL ?? "http://127.0.0.1:3001";
const publicApi = process.env.PUBLIC_API_URL ?? "";

async function handle(_request, url) {
  if (url.pathname === "/healthz") return json(200, { status: "ok", version });
  if (url.pathname !== "/") return json(404, { error: `no such path: ${url.pathname}` });
  // The first view is made here, through the API's address inside the stack; the browser keeps it fresh.
  const answer = await fetch(`${api}/api/board`, { signal: AbortSignal.timeout(3000) });
  if (!answer.ok) throw new Error(`the API answered ${answer.status}`);
  return {
    status: 200,
    type: "text/html; charset=utf-8",
    body: page(await answer.json(), version, publicApi),
  };
}

serve("web", handle);
