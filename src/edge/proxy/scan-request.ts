import type { Claims } from "./forwarded-headers.ts";

/** One pass over a request's header: what the edge needs to know, and the lines that go on to the service. */
export type Scan = {
  host: string;
  cookie: string;
  accept: string;
  acceptEncoding: string;
  ifNoneMatch: string;
  range: string;
  userAgent: string;
  /** Declared body length; -1 when none is declared. */
  length: number;
  chunked: boolean;
  /** Connection header, lower case. */
  connection: string;
  upgrade: string;
  claims: Claims;
  /** End-to-end fields, each ending in CRLF. */
  lines: string;
  /** The request is ambiguous and must be refused. */
  bad: string;
};

const simpleConnection = /^(keep-alive|close|upgrade|,| )*$/;

/** @param raw name, value, name, value … as the server parser left them (validated, Latin-1). */
export function scanRequest(raw: readonly string[], dropped?: ReadonlySet<string>): Scan {
  const scan: Scan = {
    ...{ host: "", cookie: "", accept: "", acceptEncoding: "", ifNoneMatch: "", range: "", userAgent: "" },
    ...{ length: -1, chunked: false, connection: "", upgrade: "", lines: "", bad: "" },
    claims: { forwardedFor: "", proto: "", host: "", requestId: "" },
  };
  let lines = "";
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    const value = raw[at + 1] as string;
    if (takeField(scan, name, value) && !dropped?.has(name.toLowerCase())) lines += `${name}: ${value}\r\n`;
  }
  if (dropped === undefined && scan.connection !== "" && !simpleConnection.test(scan.connection))
    return scanRequest(raw, new Set(scan.connection.split(",").map((field) => field.trim())));
  if (scan.cookie !== "") lines += `Cookie: ${scan.cookie}\r\n`;
  scan.lines = lines;
  return scan;
}

/** True when the field goes on to the service as it is. */
function takeField(scan: Scan, name: string, value: string): boolean {
  const first = name.charCodeAt(0);
  if (first === 0x3a) {
    if (name === ":authority") scan.host = value;
    return false;
  }
  // `X_Forwarded_For` reads the same as `X-Forwarded-For` in services of the CGI family.
  if (first === 0x78 || first === 0x58)
    return takeExtension(scan, name.toLowerCase().replaceAll("_", "-"), value);
  switch (name.length) {
    case 2:
      return name.toLowerCase() !== "te";
    case 4:
      return name.toLowerCase() === "host" ? takeHost(scan, value) : true;
    case 5:
      if (name.toLowerCase() === "range") scan.range = value;
      return true;
    case 6:
      return takeSix(scan, name.toLowerCase(), value);
    case 7:
      return takeSeven(scan, name.toLowerCase(), value);
    case 9:
      return name.toLowerCase() !== "forwarded";
    case 10:
      return takeTen(scan, name.toLowerCase(), value);
    case 13:
      if (name.toLowerCase() === "if-none-match") scan.ifNoneMatch = value;
      return true;
    case 14:
      return takeLength(scan, name.toLowerCase(), value);
    case 15:
      if (name.toLowerCase() === "accept-encoding") scan.acceptEncoding = value.toLowerCase();
      return true;
    case 16:
      return name.toLowerCase() !== "proxy-connection";
    case 17:
      if (name.toLowerCase() !== "transfer-encoding") return true;
      scan.chunked = true;
      return false;
    default:
      return true;
  }
}

function takeHost(scan: Scan, value: string): false {
  if (scan.host !== "" && scan.host !== value) scan.bad = "two different hosts";
  scan.host = value;
  return false;
}

function takeSix(scan: Scan, name: string, value: string): boolean {
  if (name === "accept") scan.accept = value;
  else if (name === "cookie") {
    // HTTP/2 may split the field (RFC 9113 8.2.3).
    scan.cookie = scan.cookie === "" ? value : `${scan.cookie}; ${value}`;
    return false;
  }
  return name !== "expect";
}

function takeSeven(scan: Scan, name: string, value: string): boolean {
  if (name !== "upgrade") return name !== "trailer";
  scan.upgrade = value;
  return false;
}

function takeTen(scan: Scan, name: string, value: string): boolean {
  if (name === "user-agent") scan.userAgent = value;
  if (name !== "connection") return name !== "keep-alive";
  const lower = value.toLowerCase();
  scan.connection = scan.connection === "" ? lower : `${scan.connection},${lower}`;
  return false;
}

function takeLength(scan: Scan, name: string, value: string): boolean {
  if (name !== "content-length") return true;
  if (scan.length >= 0 || !/^\d{1,15}$/.test(value)) scan.bad = "content length is not one number";
  scan.length = Number(value);
  // Framing is written anew: whatever else the header says (`Connection: content-length`) cannot take it away.
  return false;
}

function takeExtension(scan: Scan, name: string, value: string): boolean {
  const { claims } = scan;
  if (name.startsWith("x-forwarded-")) {
    if (name === "x-forwarded-for")
      claims.forwardedFor = claims.forwardedFor === "" ? value : `${claims.forwardedFor}, ${value}`;
    else if (name === "x-forwarded-proto") claims.proto = value;
    else if (name === "x-forwarded-host") claims.host = value;
    return false;
  }
  if (name === "x-request-id") {
    claims.requestId = value;
    return false;
  }
  return name !== "x-real-ip";
}
