import type { EdgeConfig } from "../../port.ts";
import { jsonRules, pageArgument, pages } from "./error-pages.ts";
import { handoverBackend, handoverBind, handoverOf, handoverRule } from "./render-handover.ts";
import { routeField, routeNeeds, stripDepth } from "./render-maps.ts";
import { bindAddress, type Lines, type RenderOptions } from "./render-options.ts";
import { originRules, requestIdPrefix, trusted, trustedRules } from "./render-origin.ts";
import { repeatable } from "./render-pool.ts";
import type { Truth } from "./truth.ts";

/** One field of the route's value, as a sample expression. */
export function field(name: keyof typeof routeField): string {
  return `var(txn.route),field(${routeField[name]},|)`;
}

/** The frontend of the public listeners: finds the route and applies what it asks for, then picks the backend. */
export function publicFrontend(truth: Truth, options: RenderOptions): Lines {
  const { http, https } = truth.config;
  if (!http && !https) return [];
  const plain = handoverOf(options.layout, "http");
  const tls = handoverOf(options.layout, "https");
  const certificates = options.layout.certificateList;
  return [
    ...handoverBackend(plain),
    ...handoverBackend(tls),
    "frontend public from http",
    ...(http ? [`  bind ${bindAddress(http, options)}`] : []),
    ...(https ? [`  bind ${bindAddress(https, options)} ssl crt-list ${certificates} alpn h2,http/1.1`] : []),
    handoverBind(plain, options.account),
    handoverBind(tls, options.account),
    // Once per connection, where they cannot change.
    `  tcp-request session set-var(sess.proto) str(https) if { ssl_fc } || { so_name ${tls.name} }`,
    "  tcp-request session set-var(sess.proto) str(http) unless { var(sess.proto) -m found }",
    "  tcp-request session set-var-fmt(sess.client) %[src]",
    requestIdPrefix,
    handoverRule,
    // Percentiles need every request at low rates, and no more than a share of them at high ones.
    "  http-request set-log-level silent if { fe_req_rate(public) gt 1000 } { rand(32) gt 0 }",
    ...originRules(options),
    ...exactRouteRules(options),
    `${allowIf(routeNeeds.nothing)} !${trusted}`,
    ...otherRouteRules(options),
    ...trustedRules(),
    allowIf(routeNeeds.nothing),
    ...tlsRules(),
    allowIf(routeNeeds.tls),
    ...rateRules(),
    ...bodyRules(),
    ...stripRules(truth.config),
    // The most usual first. A request to be handed over has no route.
    `  use_backend %[${field("backend")}] if ${needs(routeNeeds.nothing)} ${repeatable}`,
    `  use_backend ${handoverOf(options.layout, "%[var(sess.proto)]").name} if { stopping }`,
    `  use_backend %[${field("limitedBackend")}] if { var(txn.body_limit) -m found }`,
    `  use_backend %[${field("onceBackend")}] if !${repeatable}`,
    `  use_backend %[${field("backend")}]`,
    ...secureRules(),
    ...jsonRules,
    "",
  ];
}

function needs(what: string): string {
  return `{ var(txn.route) -m beg ${what} }`;
}

/** The rules after this one are for routes that ask for more; most end here. */
function allowIf(what: string): string {
  return `  http-request allow if ${needs(what)}`;
}

const hostName = "req.hdr(host),field(1,:),rtrim(.),lower";

/** Sets txn.host where the condition holds. */
function hostRules(condition: string): Lines {
  return [
    `  http-request set-var(txn.host) ${hostName} ${condition}`,
    // An IPv6 address has colons of its own.
    `  http-request set-var(txn.host) req.hdr(host),regsub(:[0-9]*$,),lower ${condition} { var(txn.host) -m beg [ }`,
  ];
}

function find({ layout }: RenderOptions): string {
  return `concat(,txn.path,/),map_beg(${layout.maps.routes})`;
}

/** An exact host with its longest path: one look-up, and nothing more for most requests. */
function exactRouteRules(options: RenderOptions): Lines {
  return [
    "  http-request set-var(txn.path) path",
    `  http-request set-var(txn.route) ${hostName},${find(options)}`,
  ];
}

/** Then a wildcard of one label, then any host; the longest path of each. */
function otherRouteRules(options: RenderOptions): Lines {
  const missing = "if !{ var(txn.route) -m found }";
  return [
    `  http-request return status 400 content-type "text/html; charset=utf-8" lf-string ${pageArgument(pages.badRequest)} hdr connection close ${missing} !{ req.hdr(host) -m found }`,
    ...hostRules(missing),
    `  http-request set-var(txn.route) var(txn.host),${find(options)} ${missing} { var(txn.host) -m beg [ }`,
    `  http-request set-var(txn.route) var(txn.host),regsub(^[^.]*,*),${find(options)} ${missing}`,
    `  http-request set-var(txn.route) str(*),${find(options)} ${missing}`,
    `  http-request return status 404 content-type "text/html; charset=utf-8" lf-string ${pageArgument(pages.notFound)} hdr x-request-id %[var(txn.id)] ${missing}`,
  ];
}

/** same host and path on HTTPS, except the challenges a certificate is obtained with. */
function tlsRules(): Lines {
  const wanted = `{ ${field("requireTls")} 1 }`;
  const https = "{ req.hdr(x-forwarded-proto) -m beg -i https }";
  return [
    ...hostRules(`if ${wanted} !${https}`),
    `  http-request set-var(txn.hsts) bool(1) if ${wanted} ${https}`,
    `  http-request redirect code 308 location https://%[var(txn.host)]%[pathq] if ${wanted} !${https} !{ path_beg /.well-known/acme-challenge/ }`,
  ];
}

/** Threads read their clocks at different moments: a little more debt than the bucket holds is no wrap. */
const clockSlackUs = 60_000_000;

/**
 * A token bucket per client and route, kept as the time at which its debt is paid (GCRA). Microseconds modulo 2^32
 * fit the table's counter; a value further ahead than the bucket can be is from before the clock wrapped.
 */
function rateRules(): Lines {
  const limited = "if { var(txn.cost) -m int gt 0 }";
  return [
    `  http-request set-var(txn.cost) ${field("rateInterval")} if !{ ${field("rateInterval")} 0 }`,
    `  http-request set-var(txn.client) src ${limited} !{ var(txn.client) -m found }`,
    `  http-request set-var(txn.slack) ${field("rateSlack")} ${limited}`,
    `  http-request set-var(txn.capacity) ${field("rateCapacity")} ${limited}`,
    `  http-request set-var(txn.tag) ${field("tag")} ${limited}`,
    `  http-request track-sc0 var(txn.client),concat(|,txn.tag) table rate ${limited}`,
    `  http-request set-var(txn.now) date(0,us),mod(4294967296) ${limited}`,
    `  http-request set-var(txn.debt) sc0_get_gpt0,sub(txn.now) ${limited}`,
    `  http-request set-var(txn.debt) int(0) ${limited} { var(txn.debt) -m int lt 0 }`,
    `  http-request set-var(txn.debt) int(0) ${limited} { var(txn.debt),sub(txn.capacity) -m int gt ${clockSlackUs} }`,
    `  http-request set-var(txn.wait) var(txn.debt),sub(txn.slack) ${limited}`,
    `  http-request return status 429 content-type "text/html; charset=utf-8" lf-string ${pageArgument(pages.tooMany)} hdr retry-after %[var(txn.wait),add(999999),div(1000000)] hdr x-request-id %[var(txn.id)] ${limited} { var(txn.wait) -m int gt 0 }`,
    `  http-request sc-set-gpt0(0) var(txn.now),add(txn.debt),add(txn.cost),mod(4294967296) ${limited}`,
  ];
}

/** A length beyond the limit is refused at once; a body without a length goes where it is counted. */
function bodyRules(): Lines {
  const limited = "{ var(txn.limit) -m found }";
  const tooLarge = `content-type "text/html; charset=utf-8" lf-string ${pageArgument(pages.tooLarge)} hdr x-request-id %[var(txn.id)]`;
  return [
    `  http-request set-var(txn.limit) ${field("bodyLimit")} if !{ ${field("bodyLimit")} none }`,
    `  http-request return status 413 ${tooLarge} if ${limited} { req.hdr_val(content-length),sub(txn.limit) -m int gt 0 }`,
    `  http-request set-var(txn.body_limit) var(txn.limit) if ${limited} !{ req.hdr(content-length) -m found } { req.hdr(transfer-encoding) -m found }`,
    `  http-request set-var(txn.body_limit) var(txn.limit) if ${limited} !{ req.hdr(content-length) -m found } { req.ver 2.0 } !{ method GET HEAD OPTIONS }`,
  ];
}

function stripRules(config: EdgeConfig): Lines {
  return stripDepths(config).map(
    (depth) =>
      `  http-request set-path /%[path,field(${depth + 2},/,0)] if { ${field("stripDepth")} ${depth} }`,
  );
}

/** Depths that need no reload, and deeper ones as routes ask for them. */
function stripDepths(config: EdgeConfig): number[] {
  const asked = config.routes.filter((route) => route.stripPath).map(stripDepth);
  return [...new Set([1, 2, 3, ...asked.filter((depth) => depth > 3)])].sort((a, b) => a - b);
}

/** exactly this value. */
function secureRules(): Lines {
  return [
    '  http-after-response set-header strict-transport-security "max-age=31536000; includeSubDomains; preload" if { var(txn.hsts) -m found }',
  ];
}
