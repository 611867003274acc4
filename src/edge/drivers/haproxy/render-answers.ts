import { pageArgument, pages, pageText } from "./error-pages.ts";
import { field } from "./render-frontend.ts";
import type { Lines, RenderOptions } from "./render-options.ts";
import type { Truth } from "./truth.ts";

/** Statuses of `answer` routes that need no reload; others are added as routes ask for them. */
const usualStatuses = [200, 401, 403, 404, 410, 418, 429, 451, 500, 501, 502, 503, 504];
const redirectStatuses = [301, 302, 307, 308];

/** Backends every configuration has: redirects and fixed answers, the file server behind its socket, the tables. */
export function fixedBackends(truth: Truth, { layout }: RenderOptions): Lines {
  return [
    "backend rate from tcp",
    "  stick-table type string len 64 size 200k expire 10m store gpt0",
    "",
    "backend upgraded from tcp",
    "  stick-table type string len 32 size 10k expire 25h store conn_cur",
    "",
    "backend closing from tcp",
    "  stick-table type string len 32 size 10k expire 10m store gpc0",
    "",
    "backend redirect from http",
    ...redirectStatuses.map(
      (status) =>
        `  http-request redirect code ${status} location %[${field("second")},b64dec] if { ${field("first")} ${status} }`,
    ),
    "",
    "backend answer from http",
    // HAProxy keeps only maps that a rule names; this one holds the version in force for the driver to read.
    `  http-request set-var(txn.version) str(version),map_str(${layout.maps.version})`,
    `  http-request set-var(txn.title) ${field("second")},b64dec`,
    `  http-request set-var(txn.detail) ${field("third")},b64dec`,
    ...answerStatuses(truth).map(
      (status) =>
        `  http-request return status ${status} content-type "text/html; charset=utf-8" lf-string '${pageText(String(status), "%[var(txn.title)]", "%[var(txn.detail)]")}' hdr x-roadstead-page 1 hdr x-request-id %[var(txn.id)]${retryAfter(status)} if { ${field("first")} ${status} }`,
    ),
    "",
    ...fileBackend("files", layout.filesSocket, []),
    ...fileBackend("files_z", layout.filesSocket, compression),
  ];
}

export const compression: Lines = [
  "  filter compression",
  "  compression algo gzip",
  "  compression type text/html text/plain text/css text/xml text/javascript application/javascript application/json application/manifest+json application/xml application/rss+xml application/wasm image/svg+xml font/ttf",
];

function answerStatuses(truth: Truth): number[] {
  const asked = truth.config.routes.flatMap(({ action }) =>
    action.kind === "answer" ? [action.status] : [],
  );
  return [...new Set([...usualStatuses, ...asked])].sort((a, b) => a - b);
}

function retryAfter(status: number): string {
  return status === 503 || status === 429 ? " hdr retry-after 5" : "";
}

/** The file server keeps no state: folder, fallback and prefix come with each request, from here alone. */
function fileBackend(name: string, socket: string, more: Lines): Lines {
  return [
    `backend ${name} from http`,
    ...more,
    "  timeout server 60s",
    "  retries 3",
    "  http-request set-var(txn.pool) str(0|0|0|0|0|files)",
    "  http-request del-header x-roadstead- -m beg",
    `  http-request set-header x-roadstead-root %[${field("first")}]`,
    `  http-request set-header x-roadstead-spa %[${field("second")}]`,
    "  http-after-response set-status 502 if { status 503 }",
    `  http-error status 503 content-type "text/html; charset=utf-8" lf-string ${pageArgument(pages.refused)} hdr x-request-id %[var(txn.id)]`,
    `  server s1 unix@${socket}`,
    "",
  ];
}
