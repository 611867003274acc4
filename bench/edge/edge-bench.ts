import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Arm, arms, type Setup } from "./arms.ts";
import { freePorts, type Started, startProgram } from "./programs.ts";
import { type Reading, wrk } from "./wrk.ts";

export type EdgeCase = { name: string; path: string; bytes: number; tls: boolean };
export type EdgeResult = {
  case: EdgeCase;
  /** Arm -> one reading a round, in the order of the arms. */
  readings: ReadonlyMap<string, readonly Reading[]>;
};
export type EdgeRun = { results: EdgeResult[]; missing: string[]; details: string[]; programs: string[] };

const cases: readonly EdgeCase[] = [
  { name: "200 B, HTTP", path: "/200", bytes: 200, tls: false },
  { name: "64 KiB, HTTP", path: "/64k", bytes: 65_536, tls: false },
  { name: "200 B, HTTPS keep-alive", path: "/200", bytes: 200, tls: true },
  { name: "64 KiB, HTTPS keep-alive", path: "/64k", bytes: 65_536, tls: true },
];

const answerLimitMs = 10_000;

type Running = { arm: Arm; started: Started; setup: Setup };

/**
 * Request rate and p99 of each way to the same upstream, wrk with 64 keep-alive connections. Arms take turns within
 * a round, so that what else the machine does hits all of them alike.
 */
export async function edgeBench(options: {
  rounds: number;
  seconds: number;
  say: (line: string) => void;
}): Promise<EdgeRun> {
  const folder = mkdtempSync(join(tmpdir(), "roadstead-bench-"));
  const ports = await freePorts(2 + arms.length * 2);
  const [http = 0, https = 0] = ports;
  const setup = certificates(folder, { http, https });
  const upstream = await startUpstream(setup);
  const running: Running[] = [];
  try {
    const missing: string[] = [];
    for (const [index, arm] of arms.entries()) {
      const own = { http: ports[2 + index * 2] ?? 0, https: ports[3 + index * 2] ?? 0 };
      const mine = { ...setup, ports: arm.name === "direct" ? setup.ports : own };
      try {
        running.push({ arm, started: await arm.start(mine), setup: mine });
        for (const one of cases) await checkAnswer(one, mine);
      } catch (error) {
        if (running.at(-1)?.arm === arm) await running.pop()?.started.stop();
        missing.push(`${arm.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    const results = cases.map((one) => {
      options.say(`edge: ${one.name}`);
      return { case: one, readings: measure(one, running, options) };
    });
    return { results, missing, details: detailsOf(running), programs: running.map(({ arm }) => arm.program) };
  } finally {
    for (const { started } of running) await started.stop();
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Nothing is measured that does not give the right answer: curl, with the certificate checked. A proxy may listen
 * before it knows its routes, so it has some seconds to get there.
 */
async function checkAnswer(one: EdgeCase, { ports, certificate }: Setup): Promise<void> {
  const written = "%{http_code} %{size_download}";
  const url = urlOf(one, ports);
  const argv = ["-s", "-o", "/dev/null", "-w", written, "-m", "5", "--cacert", certificate, url];
  const deadline = Date.now() + answerLimitMs;
  for (;;) {
    const { stdout } = spawnSync("curl", argv, { encoding: "utf8" });
    if (stdout === `200 ${one.bytes}`) return;
    if (Date.now() > deadline) throw new Error(`${one.name} gives ${stdout}, not 200 ${one.bytes}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function urlOf(one: EdgeCase, ports: Setup["ports"]): string {
  const scheme = one.tls ? "https" : "http";
  return `${scheme}://localhost:${one.tls ? ports.https : ports.http}${one.path}`;
}

function measure(
  one: EdgeCase,
  running: readonly Running[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Map<string, Reading[]> {
  const readings = new Map<string, Reading[]>();
  for (const { setup } of running) wrk(urlOf(one, setup.ports), 1);
  for (let round = 0; round < rounds; round += 1) {
    // There and back, so that a machine that becomes busier or quieter favours nobody.
    for (const { arm, setup } of round % 2 === 0 ? running : running.toReversed()) {
      const reading = wrk(urlOf(one, setup.ports), seconds);
      readings.set(arm.name, [...(readings.get(arm.name) ?? []), reading]);
    }
  }
  return readings;
}

/** How each arm ran, and the cipher that it chose: some of the difference over TLS is only that. */
function detailsOf(running: readonly Running[]): string[] {
  const ciphers = new Map<string, string[]>();
  for (const { arm, setup } of running) {
    const cipher = cipherOf(setup.ports.https);
    ciphers.set(cipher, [...(ciphers.get(cipher) ?? []), arm.name]);
  }
  return [
    ...running.flatMap(({ arm, started }) => (started.detail ? [`${arm.name}: ${started.detail}.`] : [])),
    ...[...ciphers].map(([cipher, names]) => `TLS, ${cipher}: ${names.join(", ")}.`),
  ];
}

function cipherOf(port: number): string {
  const argv = ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "localhost", "-brief"];
  const { stdout, stderr } = spawnSync("openssl", argv, { encoding: "utf8", input: "", timeout: 10_000 });
  return /Ciphersuite: (\S+)/.exec(`${stdout}${stderr}`)?.[1] ?? "cipher unknown";
}

function certificates(folder: string, ports: Setup["ports"]): Setup {
  const certificate = join(folder, "cert.pem");
  const key = join(folder, "key.pem");
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-nodes", ...curve, "-days", "2", ...subject, "-keyout", key, "-out", certificate],
    { stdio: "ignore" },
  );
  const pemBoth = join(folder, "both.pem");
  writeFileSync(pemBoth, readFileSync(certificate, "utf8") + readFileSync(key, "utf8"));
  return { folder, upstream: ports.http, ports, certificate, key, pemBoth };
}

/** nginx with two fixed answers: far faster than anything that stands before it. */
async function startUpstream({ folder, ports }: Setup): Promise<Started> {
  writeFileSync(join(folder, "64k"), "x".repeat(65_536));
  writeFileSync(join(folder, "200"), "y".repeat(200));
  const config = `daemon off; worker_processes 1; pid ${folder}/upstream.pid; error_log ${folder}/upstream-error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 10000000; sendfile on; open_file_cache max=10; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${ports.http}; listen 127.0.0.1:${ports.https} ssl; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; ssl_protocols TLSv1.2 TLSv1.3; root ${folder}; } }`;
  writeFileSync(join(folder, "upstream.conf"), config);
  return startProgram(["nginx", "-p", folder, "-c", join(folder, "upstream.conf")], ports.http);
}
