/** The pages HAProxy itself answers with: what went wrong, who can mend it, and the request's id for the logs. */
type Page = { status: number; title: string; detail: string };

const requestId = "%[var(txn.id)]";
const service = "%[var(txn.pool),field(6,|)]";

export const pages = {
  badRequest: { status: 400, title: "Bad request", detail: "The request is not valid HTTP." },
  notFound: {
    status: 404,
    title: "No such site",
    detail: "No route of this server matches the host and path of the request.",
  },
  requestTimeout: {
    status: 408,
    title: "Request took too long",
    detail: "The client did not send its whole request in time.",
  },
  tooLarge: {
    status: 413,
    title: "Body too large",
    detail: "The request body is larger than this route allows.",
  },
  tooMany: {
    status: 429,
    title: "Too many requests",
    detail: "This client asks faster than the route allows; see Retry-After.",
  },
  noAnswer: {
    status: 502,
    title: "Service does not answer",
    detail: `The service ${service} closed the connection without a complete answer.`,
  },
  /** HAProxy calls it 503; the pools' rules make it what this page says. */
  refused: {
    status: 502,
    title: "Service does not answer",
    detail: `The service ${service} does not accept connections.`,
  },
  noTarget: {
    status: 503,
    title: "Service unavailable",
    detail: `No replica of the service ${service} takes requests now.`,
  },
  held: {
    status: 503,
    title: "Service is being switched",
    detail: `The service ${service} did not come back within the time its requests may wait.`,
  },
  tooSlow: {
    status: 504,
    title: "Service is too slow",
    detail: `The service ${service} did not begin its answer in time.`,
  },
} as const satisfies Record<string, Page>;

/** The page as one single-quoted log-format argument of a HAProxy configuration line. */
export function pageArgument(page: Page): string {
  return `'${pageText(String(page.status), page.title, page.detail)}' hdr ${marker} 1`;
}

/** Tells HAProxy's own pages from a service's answers until the type is set; never leaves the edge. */
const marker = "x-roadstead-page";

/** The last rules of a frontend: pages are typed as HTML, and were written as JSON for clients that asked for it. */
export const jsonRules: readonly string[] = [
  `  http-after-response set-header content-type application/json if { var(txn.json) -m bool } { res.hdr(${marker}) -m found }`,
  `  http-after-response del-header ${marker}`,
];

/** Title and detail may themselves be log-format expressions, safe in HTML and in JSON. */
export function pageText(status: string, title: string, detail: string): string {
  const head = `${either('{"status":', '<!doctype html><html lang="en"><meta charset="utf-8"><h1>')}${status}`;
  const afterStatus = either(',"title":"', " ");
  const afterTitle = either('","detail":"', "</h1><p>");
  const afterDetail = either('","requestId":"', "</p><p>Request ");
  const end = either('"}', "</p></html>");
  return `${head}${afterStatus}${title}${afterTitle}${detail}${afterDetail}${requestId}${end}`;
}

/** HTML unless the client asked for JSON; internal listeners decide nothing about it. */
function either(json: string, html: string): string {
  const quoted = (text: string) => `"${text.replace(/"/g, '\\"')}"`;
  return `%[var(txn.json,0),iif(${quoted(json)},${quoted(html)})]`;
}
