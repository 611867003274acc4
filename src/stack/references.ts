import type { ComposeModel, ComposeService } from "./compose-model.ts";

/** One service names another as an address, e.g. `DATABASE_URL: postgres://db:5432/app`. */
export type Reference = {
  from: string;
  to: string;
  /** Lower case, without `://`. */
  scheme?: string;
  port?: number;
};

/** Places of a service where addresses of others stand: variables and the arguments of its programs. */
export function addressTexts(name: string, service: ComposeService): { path: string; text: string }[] {
  const base = `services.${name}`;
  const texts = Object.entries(service.environment ?? {}).map(([key, value]) => ({
    path: `${base}.environment.${key}`,
    text: value ?? "",
  }));
  for (const key of ["command", "entrypoint"] as const) {
    for (const [index, text] of (service[key] ?? []).entries())
      texts.push({ path: `${base}.${key}[${index}]`, text });
  }
  return texts;
}

/** Every name under which peers reach a service: its own, its container name, its host name, its network aliases. */
export function namesOf(name: string, service: ComposeService): string[] {
  const aliases = Object.values(service.networks ?? {}).flatMap((network) => network?.aliases ?? []);
  return [name, service.container_name, service.hostname, ...aliases].filter((n) => n !== undefined);
}

const word = "[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?";
const urlPattern = new RegExp(`([a-z][a-z0-9+.-]*)://(?:[^\\s/@]*@)?(${word})(?::(\\d{1,5}))?`, "gi");
const pairPattern = new RegExp(`(?<![\\w.@:/-])(${word}):(\\d{1,5})(?![\\w.:-])`, "g");

/** All references between services of a model; a service's references to itself are left out. */
export function findReferences(model: ComposeModel): Reference[] {
  const owners = new Map<string, string>();
  for (const [name, service] of Object.entries(model.services)) {
    for (const alias of namesOf(name, service)) if (!owners.has(alias)) owners.set(alias, name);
  }
  for (const name of Object.keys(model.services)) owners.set(name, name);
  const found: Reference[] = [];
  for (const [from, service] of Object.entries(model.services)) {
    for (const { text } of addressTexts(from, service)) {
      for (const reference of referencesIn(text)) {
        const to = owners.get(reference.host);
        if (to === undefined || to === from) continue;
        const { scheme, port } = reference;
        found.push({ from, to, ...(scheme ? { scheme } : {}), ...(port ? { port } : {}) });
      }
    }
  }
  return found;
}

type HostReference = { host: string; scheme?: string; port?: number };

/** Hosts that a text names as URL or as `host:port`, the further hosts of a list (`a:1,b:2`) too. */
export function referencesIn(text: string): HostReference[] {
  const found: HostReference[] = [];
  for (const [, scheme = "", host = "", port] of text.matchAll(urlPattern)) {
    found.push({ host, scheme: scheme.toLowerCase(), ...validPort(port) });
  }
  for (const [, host = "", port] of text.replaceAll(urlPattern, ",").matchAll(pairPattern)) {
    found.push({ host, ...validPort(port) });
  }
  return found;
}

function validPort(text: string | undefined): { port?: number } {
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? { port } : {};
}

/** Ports that a URL scheme stands for when none is written. */
export const schemePorts: Readonly<Record<string, number>> = {
  http: 80,
  ws: 80,
  https: 443,
  wss: 443,
  postgres: 5432,
  postgresql: 5432,
  mysql: 3306,
  mariadb: 3306,
  mongodb: 27017,
  redis: 6379,
  amqp: 5672,
  nats: 4222,
};
