import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { freePort } from "../e2e/platform.ts";
import { run, until } from "./olim-bot-support.ts";

const password = "p@ss word";
export const encodedPassword = encodeURIComponent(password);
export const externalHost = "db.example.com";

/** A PostgreSQL that Roadstead does not manage, as an operator would have one already. */
export type ForeignDatabase = {
  query(sql: string): Promise<string>;
  restart(): Promise<void>;
  address(): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
};

const settings = [
  "-e",
  "POSTGRES_USER=bot",
  "-e",
  `POSTGRES_PASSWORD=${password}`,
  "-e",
  "POSTGRES_DB=discord_bot",
];
const docker = async (...argv: string[]) => (await run("docker", argv, { timeout: 60_000 })).stdout.trim();

/** On a Docker network of its own, reachable by its name there; a restart gives it another address. */
export async function databaseOnOtherNetwork(name: string): Promise<ForeignDatabase & { network: string }> {
  const network = `${name}-net`;
  const filler = `${name}-filler`;
  await docker("network", "create", network);
  await docker("run", "-d", "--name", name, "--network", network, ...settings, "postgres:16");
  const database = foreign(name, network, async () => {
    await docker("stop", "-t", "5", name);
    // Whoever comes first gets the free address.
    await docker("rm", "-f", filler).catch(() => undefined);
    await docker("run", "-d", "--name", filler, "--network", network, "busybox:latest", "sleep", "600");
    await docker("start", name);
  });
  await readyOrGone(database);
  return {
    ...database,
    network,
    async [Symbol.asyncDispose]() {
      await docker("rm", "-f", "-v", filler).catch(() => undefined);
      await database[Symbol.asyncDispose]();
    },
  };
}

/** On "another server": only its published port can be reached, and it takes connections with TLS alone. */
export async function externalDatabase(
  name: string,
): Promise<ForeignDatabase & { port: number; ca: string }> {
  const certificates = mkdtempSync(join(tmpdir(), "olim-tls-"));
  const ca = await writeCertificate(certificates);
  const port = await freePort();
  const gateway = await docker("network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}");
  const network = `${name}-net`;
  await docker("network", "create", network);
  const serve = [
    "install -o postgres -m 600 /tls/server.key /tls/server.crt /tmp/",
    "echo 'local all all trust' > /tmp/hba && echo 'hostssl all all all scram-sha-256' >> /tmp/hba && chmod 644 /tmp/hba",
    "exec docker-entrypoint.sh postgres -c ssl=on -c ssl_cert_file=/tmp/server.crt -c ssl_key_file=/tmp/server.key -c hba_file=/tmp/hba",
  ].join(" && ");
  const mounts = ["-v", `${certificates}:/tls:ro`, "-p", `${gateway}:${port}:5432`];
  const program = ["--entrypoint", "sh", "postgres:16", "-c", serve];
  await docker("run", "-d", "--name", name, "--network", network, ...settings, ...mounts, ...program);
  const database = foreign(name, network, async () => {
    await docker("restart", "-t", "5", name);
  });
  await readyOrGone(database);
  return {
    ...database,
    port,
    ca,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      rmSync(certificates, { recursive: true });
    },
  };
}

type Foreign = ForeignDatabase & { ready(): Promise<void> };

function foreign(name: string, network: string, restart: () => Promise<void>): Foreign {
  const query = (sql: string) =>
    docker("exec", name, "psql", "-U", "bot", "-d", "discord_bot", "-At", "-c", sql);
  // Over TCP: the server of the image's initialisation listens on its socket only.
  const ready = () =>
    until(
      () =>
        docker("exec", name, "pg_isready", "-h", "127.0.0.1", "-U", "bot", "-d", "discord_bot").then(
          () => true,
          () => false,
        ),
      `database ${name} within 120 s`,
      120_000,
    );
  return {
    query,
    ready,
    // As with Roadstead's own restart: it is over when the server answers again.
    restart: async () => {
      await restart();
      await ready();
    },
    address: () =>
      docker("inspect", name, "-f", `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`),
    async [Symbol.asyncDispose]() {
      await docker("rm", "-f", "-v", name);
      await docker("network", "rm", network);
    },
  };
}

/** A certificate for the external host that vouches for itself: it is its own authority. */
async function writeCertificate(folder: string): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${externalHost}`,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: externalHost }])],
  });
  const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const body = key.match(/.{1,64}/g)?.join("\n") ?? "";
  writeFileSync(
    join(folder, "server.key"),
    `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
  );
  const pem = `${certificate.toString("pem")}\n`;
  writeFileSync(join(folder, "server.crt"), pem, { mode: 0o644 });
  return pem;
}

async function readyOrGone(database: Foreign): Promise<void> {
  try {
    await database.ready();
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}
