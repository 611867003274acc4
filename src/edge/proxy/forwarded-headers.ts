import { isIP } from "node:net";
import { type AddressList, plainAddress } from "./address-list.ts";

/** What a request says about the hops before us; believed only when the peer is in a trusted range. */
export type Claims = { forwardedFor: string; proto: string; host: string; requestId: string };

export type Origin = {
  /** Address used for limits and logs. */
  client: string;
  secure: boolean;
  /** Ready header lines for the service, each ending in CRLF. */
  lines: string;
};

/**
 * Client address, scheme and the headers a service gets (RFC 7239 and the X-Forwarded-* customs). An untrusted
 * peer's claims are dropped; a trusted chain is read from the right and ends at the first address not trusted.
 */
export function originOf(
  peer: string,
  hop: { secure: boolean; host: string },
  claims: Claims,
  trusted: AddressList,
): Origin {
  if (claims.forwardedFor === "" && claims.proto === "" && claims.host === "") return direct(peer, hop);
  if (!trusted.has(peer)) return direct(peer, hop);
  const chain = claims.forwardedFor
    .split(",")
    .map((part) => plainAddress(part.trim()))
    .filter((part) => isIP(part) !== 0);
  const client = chain.findLast((address) => !trusted.has(address)) ?? chain[0] ?? peer;
  const secure = claims.proto === "" ? hop.secure : claims.proto.toLowerCase().startsWith("https");
  return {
    client,
    secure,
    lines: lines({ chain: [...chain, peer], client, secure, host: claims.host || hop.host }),
  };
}

function direct(peer: string, hop: { secure: boolean; host: string }): Origin {
  const proto = hop.secure ? "https" : "http";
  return {
    client: peer,
    secure: hop.secure,
    lines:
      `X-Forwarded-For: ${peer}\r\nX-Real-IP: ${peer}\r\nX-Forwarded-Proto: ${proto}\r\n` +
      `X-Forwarded-Host: ${hop.host}\r\nForwarded: for=${node(peer)};proto=${proto};host="${quoted(hop.host)}"\r\n`,
  };
}

function lines(at: { chain: readonly string[]; client: string; secure: boolean; host: string }): string {
  const proto = at.secure ? "https" : "http";
  const forwarded = at.chain.map(
    (address) => `for=${node(address)};proto=${proto};host="${quoted(at.host)}"`,
  );
  return (
    `X-Forwarded-For: ${at.chain.join(", ")}\r\nX-Real-IP: ${at.client}\r\nX-Forwarded-Proto: ${proto}\r\n` +
    `X-Forwarded-Host: ${at.host}\r\nForwarded: ${forwarded.join(", ")}\r\n`
  );
}

function node(address: string): string {
  return address.includes(":") ? `"[${address}]"` : address;
}

function quoted(host: string): string {
  return host.includes('"') || host.includes("\\") ? host.replace(/["\\]/g, "") : host;
}
