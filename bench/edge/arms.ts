import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type EmbeddedEdge, startEmbeddedEdge } from "../../src/edge/drivers/embedded.ts";
import { askSocket } from "../../src/edge/drivers/haproxy/admin-socket.ts";
import { layoutOf } from "../../src/edge/drivers/haproxy/layout.ts";
import { HaproxyEdge } from "../../src/edge/drivers/haproxy.ts";
import type { Edge, EdgeConfig } from "../../src/edge/port.ts";
import { endProcess, findProgram, type Ports, type Started, startProgram, waitForPort } from "./programs.ts";

/** What the load goes through: one way from the client to the same upstream. */
export type Arm = { name: string; program: string; start: (setup: Setup) => Promise<Started> };

export type Setup = {
  folder: string;
  upstream: number;
  ports: Ports;
  certificate: string;
  key: string;
  pemBoth: string;
};

/** Threads or workers of every arm that lets one choose; Go programs take as many by themselves. */
const threads = availableParallelism();

const direct: Arm = {
  name: "direct",
  program: "nginx",
  start: async () => ({ stop: async () => undefined }),
};

const nginx: Arm = {
  name: "nginx",
  program: "nginx",
  start: async ({ folder, upstream, ports, certificate, key }) => {
    const config = `daemon off; worker_processes ${threads}; pid ${folder}/nginx.pid; error_log ${folder}/nginx-error.log;
events { worker_connections 2048; }
http { access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  keepalive_requests 10000000; upstream up { server 127.0.0.1:${upstream}; keepalive 128; keepalive_requests 10000000; }
  server { listen 127.0.0.1:${ports.http}; listen 127.0.0.1:${ports.https} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;
    location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; } } }`;
    writeFileSync(join(folder, "nginx.conf"), config);
    return startProgram(["nginx", "-p", folder, "-c", join(folder, "nginx.conf")], ports.http);
  },
};

const haproxyAlone: Arm = {
  name: "HAProxy alone",
  program: "haproxy",
  start: async ({ folder, upstream, ports, pemBoth }) => {
    const config = `global
  nbthread ${threads}
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:${ports.http}
  bind 127.0.0.1:${ports.https} ssl crt ${pemBoth} alpn h2,http/1.1
  default_backend up
backend up
  http-reuse always
  server s1 127.0.0.1:${upstream}
`;
    writeFileSync(join(folder, "haproxy.cfg"), config);
    return startProgram(["haproxy", "-db", "-f", join(folder, "haproxy.cfg")], ports.http);
  },
};

const caddy: Arm = {
  name: "Caddy",
  program: "caddy",
  start: async ({ folder, upstream, ports, certificate, key }) => {
    const proxy = `reverse_proxy 127.0.0.1:${upstream}`;
    const config = `{
  admin off
  auto_https off
}
http://localhost:${ports.http} {
  bind 127.0.0.1
  ${proxy}
}
https://localhost:${ports.https} {
  bind 127.0.0.1
  tls ${certificate} ${key}
  ${proxy}
}
`;
    writeFileSync(join(folder, "Caddyfile"), config);
    const argv = ["caddy", "run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"] as const;
    return startProgram(argv, ports.http, { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder });
  },
};

const traefik: Arm = {
  name: "Traefik",
  program: "traefik",
  start: async ({ folder, upstream, ports, certificate, key }) => {
    const dynamic = {
      http: {
        routers: {
          plain: { rule: "Host(`localhost`)", service: "up", entryPoints: ["web"] },
          secure: { rule: "Host(`localhost`)", service: "up", entryPoints: ["websecure"], tls: {} },
        },
        services: { up: { loadBalancer: { servers: [{ url: `http://127.0.0.1:${upstream}` }] } } },
      },
      tls: { certificates: [{ certFile: certificate, keyFile: key }] },
    };
    writeFileSync(join(folder, "traefik.yaml"), JSON.stringify(dynamic));
    const argv = [
      findProgram("traefik"),
      "--global.checknewversion=false",
      "--global.sendanonymoususage=false",
      `--entrypoints.web.address=127.0.0.1:${ports.http}`,
      `--entrypoints.websecure.address=127.0.0.1:${ports.https}`,
      `--providers.file.filename=${join(folder, "traefik.yaml")}`,
      "--log.level=ERROR",
    ] as const;
    return startProgram(argv, ports.http);
  },
};

const kamalProxy: Arm = {
  name: "kamal-proxy",
  program: "kamal-proxy",
  start: async ({ folder, upstream, ports, certificate, key }) => {
    const env = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder, XDG_RUNTIME_DIR: folder };
    const program = findProgram("kamal-proxy");
    const listen = ["--http-port", String(ports.http), "--https-port", String(ports.https)];
    const started = await startProgram([program, "run", ...listen], ports.http, env);
    const target = ["--target", `127.0.0.1:${upstream}`, "--health-check-path", "/200"];
    const tls = [
      "--tls",
      "--tls-certificate-path",
      certificate,
      "--tls-private-key-path",
      key,
      "--tls-redirect=false",
    ];
    const deploy = await startProgram(
      [program, "deploy", "bench", ...target, "--host", "localhost", ...tls],
      undefined,
      env,
    );
    const code = await deploy.ended;
    if (code !== 0) {
      await started.stop();
      throw new Error(`kamal-proxy deploy ended with ${code}: ${deploy.said?.()}`);
    }
    return started;
  },
};

/** The same configuration for both of ours, through the port that the control plane uses. */
async function serve(edge: Edge, setup: Setup): Promise<void> {
  const config: EdgeConfig = {
    http: { host: "127.0.0.1", port: setup.ports.http },
    https: { host: "127.0.0.1", port: setup.ports.https },
    routes: [
      {
        id: "bench",
        host: "localhost",
        path: "/",
        stripPath: false,
        action: { kind: "proxy", backend: "up" },
        requireTls: false,
        compress: false,
      },
    ],
    backends: [
      {
        id: "up",
        targets: [{ id: "up-1", host: "127.0.0.1", port: setup.upstream, weight: 1 }],
        sticky: false,
        hold: false,
        holdSeconds: 30,
        responseTimeoutSeconds: 60,
        label: { stack: "bench", environment: "bench", service: "up" },
      },
    ],
    internal: [],
    certificates: [
      {
        hosts: ["localhost"],
        certificate: readFileSync(setup.certificate, "utf8"),
        key: readFileSync(setup.key, "utf8"),
      },
    ],
    trustedProxies: [],
  };
  await edge.apply(config, 1, AbortSignal.timeout(30_000));
  await waitForPort(setup.ports.http);
}

const embedded: Arm = {
  name: "Roadstead embedded",
  program: "node",
  start: async (setup) => {
    const home = join(setup.folder, "embedded");
    mkdirSync(home, { recursive: true });
    const script = join(import.meta.dirname, "../../bin/edge.ts");
    const edge = await startEmbeddedEdge({ home, argv: [process.execPath, script] });
    await serve(edge, setup);
    const { pid, workers } = await allWorkers(edge);
    return { stop: async () => endProcess(pid), detail: `${workers} worker processes` };
  },
};

/** It answers as soon as its first worker runs; the bench wants all of them. */
async function allWorkers(edge: EmbeddedEdge): Promise<{ pid: number; workers: number }> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const health = await edge.health(AbortSignal.timeout(5_000));
    if (health.workers >= Math.min(2, threads)) return health;
    if (Date.now() > deadline) throw new Error(`only ${health.workers} worker runs`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const haproxy: Arm = {
  name: "Roadstead haproxy",
  program: "haproxy",
  start: async (setup) => {
    const home = join(setup.folder, "haproxy");
    mkdirSync(home, { recursive: true });
    const edge = new HaproxyEdge({ home });
    await serve(edge, setup);
    const running = Number(
      /^Nbthread: (\d+)/m.exec(await askSocket(layoutOf(home).adminSocket, "show info"))?.[1],
    );
    if (running !== threads)
      throw new Error(`it runs ${running} threads, HAProxy alone ${threads}: not comparable`);
    return { stop: () => edge.stop(), detail: `${running} threads` };
  },
};

export const arms: readonly Arm[] = [
  direct,
  nginx,
  haproxyAlone,
  // Beside what it is compared with: on a busy machine seconds apart are far apart.
  haproxy,
  caddy,
  traefik,
  kamalProxy,
  embedded,
];
