import { pageArgument, pages } from "./error-pages.ts";
import type { Layout } from "./layout.ts";
import { compression } from "./render-answers.ts";
import { poolField, poolNeeds, usualTimeoutMs } from "./render-maps.ts";
import type { Lines } from "./render-options.ts";
import type { httpVariants, Pool, Slot, Truth } from "./truth.ts";

/** The address of a slot nobody uses: discard on loopback; the slot is disabled anyway. */
export const nowhere = { host: "127.0.0.1", port: 9 } as const;

const html = 'content-type "text/html; charset=utf-8"';
const id = "hdr x-request-id %[var(txn.id)]";

const setting = (name: keyof typeof poolField) => `var(txn.pool),field(${poolField[name]},|)`;
const more = `{ var(txn.pool) -m beg ${poolNeeds.more} }`;
const usual = `{ var(txn.pool) -m beg ${poolNeeds.nothing} }`;
const sticky = `${more} { ${setting("sticky")} 1 }`;
const trusting = "{ var(txn.trusting) -m found }";
const events = "{ req.hdr(accept) -m sub text/event-stream }";

/** The name of a pool's cookie: `roadstead_` and the number of the pool. */
const cookiePrefix = "roadstead_";
const setCookie = `"${cookiePrefix}%[be_name,bytes(1)]=%[var(txn.token)]; Path=/; HttpOnly; SameSite=Lax`;
const stale = "if { var(txn.token) -m found } !{ var(txn.token),strcmp(txn.bound) eq 0 }";

/** What all HTTP pools share. These rules come before those of the pool itself. */
export function poolDefaults({ maps }: Layout): Lines {
  return [
    "defaults pool from http",
    "  balance roundrobin",
    // A repeated request may meet another connection that is just being closed.
    "  retries 6",
    "  option redispatch 1",
    `  timeout server ${usualTimeoutMs}ms`,
    "  default-server pool-purge-delay 2s",
    ...[pages.badRequest, pages.requestTimeout, pages.noAnswer, pages.tooSlow].map(
      (page) => `  http-error status ${page.status} ${html} lf-string ${pageArgument(page)} ${id}`,
    ),
    `  http-error status 503 ${html} lf-string ${pageArgument(pages.refused)} ${id}`,
    `  http-request set-var(txn.pool) be_name,map_str(${maps.pools})`,
    // Event streams are silent for as long as nothing happens.
    `  http-request set-timeout server 1h if ${events}`,
    `  http-request set-var(txn.trusting) bool(1) if { be_sess_rate gt 500 } { nbsrv lt 2 } { rand(16) gt 0 } !{ be_name,in_table(closing) }`,
    `  http-request disable-l7-retry if ${trusting}`,
    // Most requests end here: it ends the pool's own rules too.
    `  http-request allow if ${usual} { nbsrv gt 0 }`,
    `  http-request lua.roadstead_hold if { ${setting("hold")} 1 }`,
    `  http-request return status 503 ${html} lf-string ${pageArgument(pages.held)} hdr retry-after 5 ${id} if { var(txn.hold_over) -m found }`,
    `  http-request set-timeout server ${setting("timeoutMs")} unless ${events}`,
    `  http-response allow if ${trusting} { status 200:499 } ${usual}`,
    `  http-response set-var-fmt(txn.retries) %rc unless ${trusting}`,
    "  http-response track-sc2 be_name table closing if { var(txn.retries) -m int gt 0 }",
    `  http-response allow if { status 200:499 } ${usual}`,
    "  http-response set-var(txn.answered) bool(1) if { status 503 }",
    `  http-response set-var(txn.slot) srv_name if ${sticky}`,
    `  http-response set-var(txn.token) be_name,concat(/,txn.slot),map_str(${maps.tokens}) if ${sticky}`,
    "  http-response set-var(txn.slot) srv_name if { status 101 }",
    "  http-response track-sc1 be_name,concat(/,txn.slot) table upgraded if { status 101 }",
    `  http-response add-header set-cookie ${setCookie}" ${stale} !{ var(sess.proto) -m str https }`,
    `  http-response add-header set-cookie ${setCookie}; Secure" ${stale} { var(sess.proto) -m str https }`,
    // HAProxy says 503 for a refused connection; 503 is kept for "no replica", a refusal is a bad gateway.
    "  http-after-response set-status 502 if { status 503 } !{ var(txn.answered) -m found } !{ var(txn.no_target) -m found } !{ var(txn.hold_over) -m found }",
    "",
  ];
}

/** One HTTP pool in one of its variants. */
export function httpPool(
  variant: (typeof httpVariants)[number],
  pool: Pool,
  { truth, layout }: { truth: Truth; layout: Layout },
): Lines {
  const cookie = `${cookiePrefix}${pool.index}`;
  return [
    `backend ${variant}${pool.index} from pool`,
    ...(variant === "z" || variant === "y" ? compression : []),
    ...(variant === "p" || variant === "z" ? repeatLines : onceLines),
    ...(variant === "l" ? limitLines : []),
    `  http-request set-var(txn.bound) req.cook(${cookie}) if ${sticky}`,
    `  http-request set-var(txn.server) var(txn.bound),map_str(${layout.maps.sticky}) if { var(txn.bound) -m found }`,
    "  http-request set-var(txn.no_target) bool(1) if { nbsrv eq 0 } !{ stopping } !{ var(txn.server) -m found }",
    `  http-request return status 503 ${html} lf-string ${pageArgument(pages.noTarget)} hdr retry-after 5 ${id} if { var(txn.no_target) -m found }`,
    "  use-server %[var(txn.server)] if { var(txn.server) -m found }",
    ...servers(pool, truth),
    "",
  ];
}

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
export const repeatable = "{ method GET HEAD OPTIONS PUT DELETE }";

/**
 * A target may close its idle connection, or die, just as a request comes. That must cost none: these are sent again,
 * for which HAProxy copies a whole buffer per request, a fifth of all it does. So where there is no second target to
 * send it to, a busy pool keeps copies of a share of its requests only, until one of them had to be sent again: then
 * of all, for as long as the table remembers it.
 */
const repeatLines: Lines = ["  retry-on conn-failure empty-response"];

/** and those that must not be sent twice get a connection that was not idle before. */
const onceLines: Lines = ["  http-reuse never", "  option http-server-close"];

/** The filter ends a request with an error, which HAProxy words as 400. */
const limitLines: Lines = [
  "  filter lua.roadstead_body_limit",
  `  http-error status 400 ${html} lf-string ${pageArgument(pages.tooLarge)} ${id}`,
  "  http-after-response set-status 413 if { var(txn.too_large) -m found }",
];

/** TCP pools exist only for internal listeners, which need a reload anyway. */
export function tcpPool(pool: Pool, truth: Truth, { maps }: Layout): Lines {
  return [
    `backend t${pool.index} from tcp`,
    "  balance roundrobin",
    `  tcp-request content set-var(txn.pool) be_name,map_str(${maps.pools})`,
    `  tcp-request content lua.roadstead_hold if { ${setting("hold")} 1 }`,
    "  tcp-request content reject if { var(txn.hold_over) -m found }",
    ...servers(pool, truth),
    "",
  ];
}

function servers(pool: Pool, truth: Truth): Lines {
  const lines: string[] = [];
  let emptyFrom: number | undefined;
  for (let index = 1; index <= truth.size.slots + 1; index += 1) {
    const slot = pool.slots.find((candidate) => candidate.index === index && !candidate.retired);
    const free = slot === undefined && index <= truth.size.slots;
    if (free) emptyFrom ??= index;
    else if (emptyFrom !== undefined) {
      lines.push(
        `  server-template s ${emptyFrom}-${index - 1} ${nowhere.host}:${nowhere.port} weight 1 disabled`,
      );
      emptyFrom = undefined;
    }
    if (slot) lines.push(`  server s${slot.index} ${addressOf(slot)} weight ${slot.weight}`);
  }
  return lines;
}

function addressOf(slot: Slot): string {
  return slot.host.includes(":") ? `[${slot.host}]:${slot.port}` : `${slot.host}:${slot.port}`;
}
