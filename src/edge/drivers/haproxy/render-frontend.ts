import type { EdgeConfig } from "../../port.ts";
import { jsonRules, pageArgument, pages } from "./error-pages.ts";
import { handoverBackend, handoverBind, handoverOf, handoverRule } from "./render-handover.ts";
import { routeField, routeNeeds, stripDepth } from "./render-maps.ts";
import { bindAddress, type Lines, type RenderOptions } from "./render-options.ts";
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
    handoverBind(plain),
    handoverBind(tls),
    // Once per connection, where it cannot change.
    `  tcp-request session set-var(sess.proto) str(https) if { ssl_fc } || { so_name ${tls.name} }`,
    "  tcp-request session set-var(sess.proto) str(http) unless { var(sess.proto) -m found }",
    handoverRule,
    // Percentiles need every request at low rates, and no more than a share of them at high ones.
    "  http-request set-log-level silent if { fe_req_rate(public) gt 1000 } { rand(32) gt 0 }",
    ...originRules(options),
    ...routeRules(options),
    allowIf(routeNeeds.nothing),
    ...tlsRules(),
    allowIf(routeNeeds.tls),
    ...rateRules(),
    ...bodyRules(),
    ...stripRules(truth.config),
    `  use_backend ${handoverOf(options.layout, "%[var(sess.proto)]").name} if { stopping }`,
    `  use_backend %[${field("limitedBackend")}] if { var(txn.body_limit) -m found }`,
    `  use_backend %[${field("onceBackend")}] if !${repeatable}`,
    `  use_backend %[${field("backend")}]`,
    ...secureRules(),
    ...jsonRules,
    "",
  ];
}

/** The rules after this one are for routes that ask for more; most end here. */
function allowIf(needs: string): string {
  return `  http-request allow if { var(txn.route) -m beg ${needs} }`;
}

/**
 * Who asks, over what: the claims of peers outside the trusted ranges are dropped before anything reads them. Every
 * request passes these rules, so each of them is counted in microseconds: see the edge benchmark.
 */
function originRules({ layout }: RenderOptions): Lines {
  const trusted = "{ var(txn.trusted) -m found }";
  const claimed = (header: string) => `${trusted} { req.hdr(${header}) -m found }`;
  return [
    // Chosen here, because an error page is written when the request's headers are gone.
    "  http-request set-var(txn.json) bool(1) if { req.hdr(accept) -m sub json } !{ req.hdr(accept) -m sub text/html }",
    // HAProxy itself takes keep-alive and close out of the header.
    "  http-request lua.roadstead_own_hop if { req.hdr(connection) -m found } !{ req.hdr(connection) -m str -i keep-alive close upgrade }",
    "  http-request del-header te",
    "  http-request set-header x-request-id %[unique-id] unless { req.hdr(x-request-id) -m reg ^[A-Za-z0-9._:-]{1,128}$ }",
    "  http-request set-var(txn.id) req.hdr(x-request-id)",
    `  http-request set-var(txn.trusted) bool(1) if { src -f ${layout.trusted} }`,
    `  http-request del-header x-forwarded- -m beg unless ${trusted}`,
    // Services of the CGI family read both spellings as one.
    "  http-request del-header x_forwarded_ -m beg",
    `  http-request del-header forwarded unless ${trusted}`,
    `  http-request set-var(txn.client) req.hdr_ip(x-forwarded-for,-1) if ${trusted}`,
    `  http-request set-header x-forwarded-for %[req.fhdr(x-forwarded-for)],\\ %[src] if ${claimed("x-forwarded-for")}`,
    `  http-request add-header x-forwarded-for %[src] unless ${claimed("x-forwarded-for")}`,
    "  http-request set-header x-real-ip %[src] unless { var(txn.client) -m found }",
    "  http-request set-header x-real-ip %[var(txn.client)] if { var(txn.client) -m found }",
    `  http-request add-header x-forwarded-proto %[var(sess.proto)] unless ${claimed("x-forwarded-proto")}`,
    `  http-request add-header x-forwarded-host %[req.hdr(host)] unless ${claimed("x-forwarded-host")}`,
  ];
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

/** An exact host first, in one look-up; then a wildcard of one label, then any host; the longest path of each. */
function routeRules({ layout }: RenderOptions): Lines {
  const find = `concat(,txn.path,/),map_beg(${layout.maps.routes})`;
  const missing = "if !{ var(txn.route) -m found }";
  return [
    "  http-request set-var(txn.path) path",
    `  http-request set-var(txn.route) ${hostName},${find}`,
    `  http-request return status 400 content-type "text/html; charset=utf-8" lf-string ${pageArgument(pages.badRequest)} hdr connection close ${missing} !{ req.hdr(host) -m found }`,
    ...hostRules(missing),
    `  http-request set-var(txn.route) var(txn.host),${find} ${missing} { var(txn.host) -m beg [ }`,
    `  http-request set-var(txn.route) var(txn.host),regsub(^[^.]*,*),${find} ${missing}`,
    `  http-request set-var(txn.route) str(*),${find} ${missing}`,
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
