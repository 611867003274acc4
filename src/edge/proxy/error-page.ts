import { STATUS_CODES } from "node:http";

export type ErrorAnswer = { status: number; title: string; detail: string; requestId: string };

/** A page for people or JSON for programs, by the Accept header; both say what is wrong and carry the request id. */
export function errorPage(answer: ErrorAnswer, accept: string): { type: string; body: string } {
  if (prefersJson(accept)) {
    const { status, title, detail, requestId } = answer;
    return {
      type: "application/json; charset=utf-8",
      body: JSON.stringify({ status, title, detail, requestId }),
    };
  }
  const title = escapeHtml(answer.title);
  return {
    type: "text/html; charset=utf-8",
    body:
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${answer.status} ${title}</title>` +
      '<meta name="viewport" content="width=device-width"><style>body{font:16px/1.5 system-ui,sans-serif;' +
      "max-width:36rem;margin:15vh auto;padding:0 1rem;color:#222}small{color:#666}@media(prefers-color-scheme:" +
      "dark){body{background:#181818;color:#ddd}}</style></head>" +
      `<body><h1>${answer.status} ${title}</h1><p>${escapeHtml(answer.detail)}</p>` +
      `<small>Request ${escapeHtml(answer.requestId)} · Roadstead edge</small></body></html>\n`,
  };
}

/** The standard words of a status. */
export function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? "Unknown";
}

function prefersJson(accept: string): boolean {
  const json = accept.indexOf("json");
  if (json < 0) return false;
  const html = accept.indexOf("text/html");
  return html < 0 || json < html;
}

function escapeHtml(text: string): string {
  const codes: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => codes[character] ?? character);
}
