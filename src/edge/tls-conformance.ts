import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { expect } from "vitest";
import { run } from "../lib/run.ts";
import type { EdgeTest } from "./conformance.ts";
import { openSocket, selfSigned, tcpEcho } from "./conformance-load-support.ts";
import {
  ask,
  backend,
  eventually,
  exchangeRaw,
  freePort,
  route,
  seen,
  type World,
} from "./conformance-support.ts";

const signal = () => AbortSignal.timeout(20_000);

/** Outcome of one handshake: protocol, suite and serial, or the error. */
function handshake(world: World, options: ConnectionOptions) {
  return new Promise<{
    protocol?: string;
    serial?: string;
    session?: Buffer;
    reused?: boolean;
    error?: string;
  }>((resolve) => {
    const socket = connectTls(
      { host: "127.0.0.1", port: world.httpsPort, rejectUnauthorized: false, ...options },
      () => {
        const protocol = socket.getProtocol();
        const serial = socket.getPeerCertificate().serialNumber;
        const reused = socket.isSessionReused();
        // TLS 1.3 sends its tickets after the handshake.
        const done = () => {
          const session = socket.getSession();
          socket.destroy();
          resolve({ serial, reused, ...(protocol ? { protocol } : {}), ...(session ? { session } : {}) });
        };
        setTimeout(done, protocol === "TLSv1.3" ? 100 : 0);
      },
    );
    socket.on("error", (error) => resolve({ error: error.message }));
  });
}

async function secure(world: World, port: number, more: Parameters<typeof route>[3] = {}) {
  const config = {
    https: { host: "127.0.0.1", port: world.httpsPort },
    routes: [route("app.test", "/", "web", { requireTls: true, ...more })],
    backends: [backend("web", [{ id: "red", port }])],
    certificates: [await selfSigned(["app.test"])],
  };
  await world.apply(config);
  return config;
}

/** TLS, and listeners inside the platform. */
export const tlsTests: readonly EdgeTest[] = [
  {
    name: "R-024 R-025 redirects plain HTTP with 308 except ACME challenges; HSTS once and only on HTTPS",
    needs: "traffic",
    async run(world, { red }) {
      await secure(world, red.port);
      const plain = await ask(world, "app.test", "/x?y=1");
      expect([plain.status, plain.headers.location]).toEqual([308, "https://app.test/x?y=1"]);
      expect(plain.headers["strict-transport-security"]).toBeUndefined();
      expect((await ask(world, "app.test", "/.well-known/acme-challenge/token")).status).toBe(200);
      const tls = await ask(world, "app.test", "/x", { tls: true });
      expect(tls.status).toBe(200);
      expect(tls.headers["strict-transport-security"]).toBe("max-age=31536000; includeSubDomains; preload");
    },
  },
  {
    name: "R-023 offers TLS 1.2 and 1.3, refuses 1.1 and anonymous suites",
    needs: "traffic",
    async run(world, { red }) {
      await secure(world, red.port);
      const only = (version: "TLSv1.1" | "TLSv1.2" | "TLSv1.3") => ({
        minVersion: version,
        maxVersion: version,
      });
      const name = { servername: "app.test" };
      expect((await handshake(world, { ...name, ...only("TLSv1.2") })).protocol).toBe("TLSv1.2");
      expect((await handshake(world, { ...name, ...only("TLSv1.3") })).protocol).toBe("TLSv1.3");
      const old = await handshake(world, { ...name, ...only("TLSv1.1"), ciphers: "ALL@SECLEVEL=0" });
      expect(old.error).toBeDefined();
      // Node does not even offer anonymous suites, the openssl program does; 3DES is in neither any more.
      const anonymous = await run(
        [
          ...(["openssl", "s_client", "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"] as const),
          ...["-connect", `127.0.0.1:${world.httpsPort}`],
        ],
        { timeoutMs: 10_000 },
      );
      expect(anonymous.exitCode).not.toBe(0);
      expect(anonymous.stdout + anonymous.stderr).toContain("CONNECTED");
    },
  },
  {
    name: "R-022 swaps a certificate: new handshakes get it, open connections stay",
    needs: "traffic",
    async run(world, { red }) {
      const config = await secure(world, red.port);
      const before = await handshake(world, { servername: "app.test" });
      const session = connectHttp2(`https://127.0.0.1:${world.httpsPort}`, {
        rejectUnauthorized: false,
        servername: "app.test",
      });
      const wildcard = await selfSigned(["*.wild.test"]);
      await world.apply({ ...config, certificates: [await selfSigned(["app.test"]), wildcard] });
      const after = await handshake(world, { servername: "app.test" });
      const other = await handshake(world, { servername: "x.wild.test" });
      expect(new Set([before.serial, after.serial, other.serial]).size).toBe(3);
      expect(await http2Get(session, "app.test", "/still")).toBe(200);
      session.close();
    },
  },
  {
    name: "R-037 speaks HTTP/2 and resumes TLS sessions in any worker",
    needs: "traffic",
    async run(world, { red }) {
      await secure(world, red.port);
      const session = connectHttp2(`https://127.0.0.1:${world.httpsPort}`, {
        rejectUnauthorized: false,
        servername: "app.test",
      });
      const statuses = await Promise.all(
        Array.from({ length: 20 }, (_, n) => http2Get(session, "app.test", `/${n}`)),
      );
      expect(statuses.every((status) => status === 200)).toBe(true);
      session.close();
      const first = await handshake(world, { servername: "app.test", maxVersion: "TLSv1.2" });
      expect(first.session).toBeDefined();
      for (let n = 0; n < 6; n += 1) {
        const options = first.session === undefined ? {} : { session: first.session };
        const again = await handshake(world, { servername: "app.test", maxVersion: "TLSv1.2", ...options });
        expect(again.reused).toBe(true);
      }
    },
  },
  {
    name: "an address that is taken makes apply fail and leaves the old configuration in force",
    needs: "traffic",
    async run(world, { red }) {
      const good = { routes: [route("app.test", "/", "web")], backends: [backend("web", [red])] };
      await world.apply(good);
      const internal = [
        {
          host: "127.0.0.1",
          port: red.port,
          protocol: "http",
          backend: "web",
          allow: ["127.0.0.0/8"],
        } as const,
      ];
      await expect(world.apply({ ...good, routes: [], internal })).rejects.toMatchObject({
        code: "EDGE_LISTEN_FAILED",
      });
      expect((await world.edge.observe(signal())).version).toBe(world.version - 1);
      expect((await ask(world, "app.test", "/")).target).toBe("red");
    },
  },
  {
    name: "internal HTTP listeners balance, and let in only allowed addresses",
    needs: "traffic",
    async run(world, { red, green }) {
      const port = await freePort();
      await world.apply({
        backends: [backend("web", [red, green])],
        internal: [{ host: "127.0.0.1", port, protocol: "http", backend: "web", allow: ["127.0.0.1/32"] }],
      });
      const targets = new Set<string | undefined>();
      for (let n = 0; n < 8; n += 1) targets.add((await ask(world, "web", "/", { port })).target);
      expect([...targets].sort()).toEqual(["green", "red"]);
      const socket = await openSocket(world, "web", "/", port);
      expect(await socket.echo("in")).toMatch(/:in$/);
      socket.socket.close();
      await expect(ask(world, "web", "/", { port, from: "127.0.0.9" })).rejects.toThrow();
    },
  },
  {
    name: "one service's request id reaches the next through its internal address (R-240)",
    needs: "traffic",
    async run(world, { red }) {
      const port = await freePort();
      await world.apply({
        backends: [backend("web", [red])],
        internal: [{ host: "127.0.0.1", port, protocol: "http", backend: "web", allow: ["127.0.0.1/32"] }],
      });
      const answer = await ask(world, "web", "/", { port, headers: { "x-request-id": "chain-0001" } });
      expect(seen(answer).headers["x-request-id"]).toBe("chain-0001");
    },
  },
  {
    name: "a kept connection to an internal address is served on while other listeners come and go",
    needs: "traffic",
    async run(world, { red }) {
      const listen = (port: number) =>
        ({ host: "127.0.0.1", port, protocol: "http", backend: "web", allow: ["127.0.0.0/8"] }) as const;
      const port = await freePort();
      const backends = [backend("web", [red])];
      await world.apply({ backends, internal: [listen(port)] });
      const kept = connect({ host: "127.0.0.1", port });
      const heard = { answers: 0 };
      kept.on("data", (chunk) => {
        heard.answers += chunk.toString("latin1").split("HTTP/1.1 200").length - 1;
      });
      kept.on("error", () => undefined);
      kept.write("GET / HTTP/1.1\r\nHost: web\r\n\r\n");
      await eventually(() => heard.answers === 1);
      await world.apply({ backends, internal: [listen(port), listen(await freePort())] });
      kept.write("GET / HTTP/1.1\r\nHost: web\r\n\r\n");
      await eventually(() => heard.answers === 2);
      kept.destroy();
    },
  },
  {
    name: "internal TCP listeners carry bytes, hold, switch targets, and close what is left at the drain deadline",
    needs: "traffic",
    async run(world) {
      const [first, second] = [await tcpEcho("first"), await tcpEcho("second")];
      const port = await freePort();
      const config = (hold: boolean, target: typeof first) => ({
        backends: [backend("db", [target], { hold })],
        internal: [
          { host: "127.0.0.1", port, protocol: "tcp", backend: "db", allow: ["127.0.0.0/8"] } as const,
        ],
      });
      try {
        await world.apply(config(false, first));
        const old = exchangeRaw(port, "ping\n", { limitMs: 10_000 });
        await eventually(async () => {
          const { counters } = await world.edge.observe(signal());
          return counters.some((counter) => counter.target === "first" && counter.upgraded === 1);
        });
        await world.apply(config(true, second));
        const held = exchangeRaw(port, "pong\n", { until: /pong/ });
        const started = performance.now();
        expect(await world.edge.drain("first", 0.3, signal())).toEqual({
          drained: false,
          closedConnections: 1,
        });
        expect(performance.now() - started).toBeGreaterThan(200);
        expect(await old).toMatchObject({ closed: true, text: "first\nping\n" });
        await world.apply(config(false, second));
        expect((await held).text).toBe("second\npong\n");
      } finally {
        await Promise.all([first.close(), second.close()]);
      }
    },
  },
];

function http2Get(session: ReturnType<typeof connectHttp2>, host: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": path, ":authority": host });
    stream.on("error", reject);
    stream.on("response", (headers) => {
      stream.resume();
      stream.on("end", () => resolve(headers[":status"] ?? 0));
    });
    stream.setTimeout(10_000, () => reject(new Error("no answer in 10 s")));
    stream.end();
  });
}
