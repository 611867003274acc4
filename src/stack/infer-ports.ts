import type { ComposePort } from "./compose-model.ts";
import type { ServiceFacts } from "./facts.ts";
import { schemePorts } from "./references.ts";
import type { ServicePort } from "./stack.ts";

/**
 * Well-known ports that do not speak HTTP (https://www.iana.org/assignments/service-names-port-numbers), and TLS
 * ones: the edge can't read requests inside somebody else's TLS.
 */
const notHttp = new Set([
  21, 22, 25, 53, 110, 143, 389, 443, 465, 587, 636, 853, 993, 995, 1433, 1521, 1883, 2049, 2181, 2222, 3306,
  4222, 5432, 5671, 5672, 6379, 8443, 8883, 9042, 9092, 11211, 27017,
]);

/**
 * Ports that speak HTTP wherever they stand among a service's ports: IANA's http, http-alt and http-dev-alt, and what
 * common servers and frameworks listen on. Any other unmarked port beside the main one passes as raw TCP, which
 * carries HTTP too, while an edge that waits for a request never lets a server speak first (SMTP, SSH, MySQL).
 */
const usualHttp = new Set([
  80, 591, 3000, 3001, 4000, 4200, 4321, 5000, 5173, 8000, 8001, 8008, 8080, 8081, 8088, 8888, 9090,
]);

const httpSchemes = new Set(["http", "ws"]);
const httpProtocols = new Set(["http", "http/1.1", "ws", "kubernetes.io/ws"]);

type Candidate = { port: number; protocol: "tcp" | "udp"; appProtocol?: string; scheme?: string };

/** TCP ports that look as if they answered HTTP requests. */
export function httpPorts(facts: ServiceFacts): number[] {
  return candidates(facts)
    .filter((candidate) => looksLikeHttp(candidate))
    .map((candidate) => candidate.port);
}

/** Ports of a service, the main one first, which speaks HTTP in a web service unless something says otherwise. */
export function inferPorts(facts: ServiceFacts, isWeb: boolean): ServicePort[] {
  const ports = new Map<string, ServicePort>();
  const all = candidates(facts);
  const ordered = isWeb ? [...all].sort((a, b) => Number(looksLikeHttp(b)) - Number(looksLikeHttp(a))) : all;
  const mainPort = ordered[0]?.port;
  const speaksHttp = (candidate: Candidate) =>
    markedHttp(candidate) ??
    (isWeb && looksLikeHttp(candidate) && (candidate.port === mainPort || usualHttp.has(candidate.port)));
  for (const candidate of ordered) {
    const transport = candidate.protocol;
    const key = `${candidate.port}/${transport}`;
    const isHttp = all.some((other) => sameTarget(other, candidate) && speaksHttp(other));
    if (!ports.has(key)) {
      ports.set(key, {
        port: candidate.port,
        protocol: transport === "udp" ? "udp" : isHttp ? "http" : "tcp",
      });
    }
  }
  return [...ports.values()];
}

function sameTarget(a: Candidate, b: Candidate): boolean {
  return a.port === b.port && a.protocol === b.protocol;
}

/** What the file says of it; `undefined` when it says nothing. */
function markedHttp({ appProtocol, scheme }: Candidate): boolean | undefined {
  if (appProtocol !== undefined) return httpProtocols.has(appProtocol.toLowerCase());
  return scheme === undefined ? undefined : httpSchemes.has(scheme);
}

function looksLikeHttp({ port, protocol, appProtocol, scheme }: Candidate): boolean {
  if (protocol !== "tcp") return false;
  if (appProtocol !== undefined) return httpProtocols.has(appProtocol.toLowerCase());
  if (scheme !== undefined && scheme in schemePorts) return httpSchemes.has(scheme);
  return !notHttp.has(port);
}

/** In the order of how sure they are to be the main port; later mentions of a port only add to what is known of it. */
function candidates(facts: ServiceFacts): Candidate[] {
  const { compose, settings, family } = facts;
  const found: Candidate[] = [];
  const add = (port: number | undefined, more: Partial<Candidate> = {}) => {
    if (port !== undefined) found.push({ port, protocol: "tcp", ...more });
  };
  for (const route of settings.routes ?? []) add(route.port, { appProtocol: "http" });
  if (!family?.database) add(portNumber(compose.environment?.["PORT"]));
  for (const port of compose.ports ?? []) {
    add(port.target, {
      protocol: port.protocol === "udp" ? "udp" : "tcp",
      ...(port.app_protocol === undefined ? {} : { appProtocol: port.app_protocol }),
    });
  }
  for (const text of compose.expose ?? []) found.push(...exposed(text));
  add(settings.health?.port, settings.health?.http === undefined ? {} : { appProtocol: "http" });
  if (typeof settings.health?.tcp === "number") add(settings.health.tcp);
  if (facts.healthCommand?.kind === "http") add(facts.healthCommand.port, { appProtocol: "http" });
  if (facts.healthCommand?.kind === "tcp") add(facts.healthCommand.port);
  for (const { port, scheme } of facts.references) {
    add(port ?? schemePorts[scheme ?? ""], scheme === undefined ? {} : { scheme });
  }
  if (found.length === 0 || family?.database) add(family?.port);
  // Images are shared with workers that listen nowhere: EXPOSE alone proves nothing.
  const answersHttp =
    settings.kind === "web" || settings.routes?.length || settings.health?.http !== undefined;
  if (found.length === 0 && answersHttp) for (const port of facts.exposedByImage) add(port);
  return found;
}

/** `3000`, `53/udp` or `3000-3005`; a wide range counts as its first port only. */
function exposed(text: string): Candidate[] {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp))?$/.exec(text);
  const first = portNumber(match?.[1]);
  if (!match || first === undefined) return [];
  const last = portNumber(match[2]) ?? first;
  const protocol = match[3] === "udp" ? "udp" : "tcp";
  const count = last - first < 16 ? Math.max(1, last - first + 1) : 1;
  return Array.from({ length: count }, (_, index) => ({ port: first + index, protocol }));
}

function portNumber(text: string | null | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** The host side of a Compose port; `undefined` when it asks for any free one. The first port of a range. */
export function publishedPort(port: ComposePort): { hostIp: string; port: number } | undefined {
  const number = portNumber(/^\d+/.exec(port.published ?? "")?.[0]);
  return number === undefined ? undefined : { hostIp: port.host_ip || "127.0.0.1", port: number };
}
