import type { Lines, RenderOptions } from "./render-options.ts";

/** Second and process, once per connection; HAProxy's own unique-id is made anew and formatted for each request. */
export const requestIdPrefix = "  tcp-request session set-var-fmt(sess.id) %{+X}o%Ts-%pid-";
/** and the number of the request within the process: unique, and much cheaper than uuid(). */
export const requestId = "%[var(sess.id)]%rt";

/** The peer is one whose forwarded headers are believed. */
export const trusted = "{ var(txn.trusted) -m found }";

/**
 * Who asks, over what: the claims of peers outside the trusted ranges are dropped before anything reads them. Every
 * request passes these rules, so each of them is counted: see the edge benchmark.
 */
export function originRules({ layout }: RenderOptions): Lines {
  return [
    // Chosen here, because an error page is written when the request's headers are gone.
    "  http-request set-var(txn.json) bool(1) if { req.hdr(accept) -m sub json } !{ req.hdr(accept) -m sub text/html }",
    // HAProxy itself takes keep-alive and close out of the header.
    "  http-request lua.roadstead_own_hop if { req.hdr(connection) -m found } !{ req.hdr(connection) -m str -i keep-alive close upgrade }",
    "  http-request del-header te",
    `  http-request set-header x-request-id ${requestId} unless { req.hdr(x-request-id) -m reg ^[A-Za-z0-9._:-]{1,128}$ }`,
    "  http-request set-var(txn.id) req.hdr(x-request-id)",
    // Services of the CGI family read both spellings as one.
    "  http-request del-header x_forwarded_ -m beg",
    `  http-request set-var(txn.trusted) bool(1) if { src -f ${layout.trusted} }`,
    `  http-request del-header x-forwarded- -m beg unless ${trusted}`,
    `  http-request del-header forwarded unless ${trusted}`,
    `  http-request add-header x-forwarded-for %[var(sess.client)] unless ${trusted}`,
    `  http-request set-header x-real-ip %[var(sess.client)] unless ${trusted}`,
    `  http-request add-header x-forwarded-proto %[var(sess.proto)] unless ${trusted}`,
    `  http-request add-header x-forwarded-host %[req.hdr(host)] unless ${trusted}`,
  ];
}

/** What a trusted peer says stays, and gets what it left out. */
export function trustedRules(): Lines {
  const told = (header: string) => `{ req.hdr(${header}) -m found }`;
  const client = "{ var(txn.client) -m found }";
  return [
    `  http-request set-var(txn.client) req.hdr_ip(x-forwarded-for,-1) if ${trusted}`,
    `  http-request set-header x-forwarded-for %[req.fhdr(x-forwarded-for)],\\ %[src] if ${trusted} ${told("x-forwarded-for")}`,
    `  http-request add-header x-forwarded-for %[src] if ${trusted} !${told("x-forwarded-for")}`,
    `  http-request set-header x-real-ip %[src] if ${trusted} !${client}`,
    `  http-request set-header x-real-ip %[var(txn.client)] if ${trusted} ${client}`,
    `  http-request add-header x-forwarded-proto %[var(sess.proto)] if ${trusted} !${told("x-forwarded-proto")}`,
    `  http-request add-header x-forwarded-host %[req.hdr(host)] if ${trusted} !${told("x-forwarded-host")}`,
  ];
}
