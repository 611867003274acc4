import { z } from "zod";
import { duration, field, integer } from "./x-roadstead-values.ts";

/** `x-roadstead.dependencies`, with the texts that docs/x-roadstead.md is generated from. */

const protocols = {
  http: ["http", "https"],
  tcp: ["tcp"],
  tls: ["tls"],
  postgres: ["postgres", "postgresql"],
  redis: ["redis", "rediss"],
  smtp: ["smtp", "smtps"],
  websocket: ["ws", "wss"],
} as const;

export type DependencyKind = keyof typeof protocols;

const kinds = Object.keys(protocols) as readonly DependencyKind[];
const usualPorts: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  tls: 443,
  postgres: 5432,
  postgresql: 5432,
  redis: 6379,
  rediss: 6379,
  smtp: 587,
  smtps: 465,
  ws: 80,
  wss: 443,
};
/** A word that may be written as `host:port`; the others need their scheme to say whether it is TLS. */
const needScheme: readonly DependencyKind[] = ["http", "websocket"];

function address(kind: DependencyKind, example: string) {
  return z.string().refine((text) => parsed(kind, text) !== undefined, {
    // The text itself may hold a password.
    error: `expected an address like ${example}`,
  });
}

function parsed(kind: DependencyKind, text: string): URL | undefined {
  const [first] = protocols[kind];
  const written = needScheme.includes(kind) || text.includes("://") ? text : `${first}://${text}`;
  try {
    const url = new URL(written);
    const scheme = url.protocol.slice(0, -1);
    const known: readonly string[] = protocols[kind];
    const hasPort = url.port !== "" || usualPorts[scheme] !== undefined;
    return known.includes(scheme) && url.hostname !== "" && hasPort ? url : undefined;
  } catch {
    return undefined;
  }
}

const interval = duration().refine((seconds) => seconds >= 10 && seconds <= 120, {
  error: "expected 10s to 2m",
});
const limit = duration().refine((seconds) => seconds >= 1 && seconds <= 7, { error: "expected 1s to 7s" });

const addressField = (kind: DependencyKind, example: string, description: string) =>
  field(address(kind, example), { type: "address", default: "none", description, example });

export const dependencySchema = z
  .strictObject(
    {
      name: z.string().trim().min(1).max(60).meta({
        type: "text",
        default: "required",
        description: "How it is called on the board and in alerts.",
      }),
      http: addressField("http", "https://api.example.com/health", "A GET has to be answered below 500."),
      tcp: addressField("tcp", "mail.example.com:993", "A connection has to open."),
      tls: addressField(
        "tls",
        "example.com:443",
        "The certificate has to be valid for the name; when it ends is watched.",
      ),
      postgres: addressField(
        "postgres",
        "postgres://db.example.com:5432/app",
        "A session has to open and answer `select 1`; without a password a demand for one is enough.",
      ),
      redis: addressField("redis", "rediss://cache.example.com:6380", "AUTH, then PING has to give PONG."),
      smtp: addressField(
        "smtp",
        "smtp://mail.example.com:587",
        "EHLO, and STARTTLS where it is offered, have to be taken; `smtps` is TLS from the start.",
      ),
      websocket: addressField(
        "websocket",
        "wss://rpc.example.com/ws",
        "The upgrade to a WebSocket has to be taken.",
      ),
      user: field(z.string(), { type: "text", default: "the address's", description: "User to sign in as." }),
      password: field(z.string(), {
        type: "text",
        default: "the address's",
        description: "Write a variable, never the value itself; no log and no message shows it.",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose's syntax, not ours.
        example: "${CACHE_PASSWORD}",
      }),
      status: field(integer(100, 599), {
        type: "number",
        default: "any below 500",
        description: "Of `http`: only this answer counts.",
      }),
      every: field(interval, { type: "duration", default: "30s", description: "Between two probes." }),
      timeout: field(limit, {
        type: "duration",
        default: "5s",
        description: "A probe that takes longer has failed.",
      }),
    },
    { error: "expected a mapping with name and one address" },
  )
  .refine((written) => kinds.filter((kind) => written[kind] !== undefined).length === 1, {
    error: `expected exactly one of ${kinds.join(", ")}`,
  });

export const dependenciesSchema = z
  .array(dependencySchema, { error: "expected a list of mappings" })
  .max(100, "expected 100 at most")
  .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, {
    error: "two have the same name",
  });

export type DependencySettings = z.output<typeof dependencySchema>;

/** Who is asked, and how. `user` and `password` are secrets. */
export type ProbeTarget = {
  kind: DependencyKind;
  host: string;
  port: number;
  /** From the first byte. */
  tls: boolean;
  /** Path with query, of http and websocket; of postgres the database. */
  path: string;
  user?: string;
  password?: string;
  status?: number;
};

export type DependencyProbe = {
  name: string;
  target: ProbeTarget;
  everySeconds: number;
  timeoutSeconds: number;
};

/** A setting as what the prober takes; undefined when it names no address. */
export function dependencyProbe(written: DependencySettings): DependencyProbe | undefined {
  const kind = kinds.find((one) => written[one] !== undefined);
  const url = kind && parsed(kind, written[kind] ?? "");
  if (!url) return undefined;
  const scheme = url.protocol.slice(0, -1);
  const user = written.user ?? decodeURIComponent(url.username);
  const password = written.password ?? decodeURIComponent(url.password);
  const target: ProbeTarget = {
    kind,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (usualPorts[scheme] ?? 0) : Number(url.port),
    tls: ["https", "tls", "rediss", "smtps", "wss"].includes(scheme) || wantsTls(url),
    path: `${url.pathname === "" ? "/" : url.pathname}${url.search}`,
    ...(user === "" ? {} : { user }),
    ...(password === "" ? {} : { password }),
    ...(written.status === undefined ? {} : { status: written.status }),
  };
  const { every = 30, timeout = 5 } = written;
  return { name: written.name, target, everySeconds: every, timeoutSeconds: timeout };
}

function wantsTls(url: URL): boolean {
  return ["require", "verify-ca", "verify-full"].includes(url.searchParams.get("sslmode") ?? "");
}
