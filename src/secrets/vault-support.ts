/** A small server that speaks what we use of Vault's HTTP API: KV version 2, tokens, AppRole. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export class VaultStandIn {
  readonly values = new Map<string, Record<string, unknown>>();
  readonly tokens = new Set(["root-token"]);
  readonly requests: string[] = [];
  /** What every answer is while this is set. */
  status: number | undefined;
  leaseSeconds = 60;
  #server: Server | undefined;
  #logins = 0;

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (piece) => {
        body += piece;
      });
      request.on("end", () => {
        const url = request.url ?? "";
        this.requests.push(`${request.method} ${url}`);
        const token = String(request.headers["x-vault-token"] ?? "");
        const { status, answer } = this.#answer(url, token, body);
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(answer));
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server?.listening ? server.close(() => resolve()) : resolve()));
  }

  #answer(url: string, token: string, body: string): { status: number; answer: unknown } {
    if (this.status !== undefined) return { status: this.status, answer: { errors: ["out of order"] } };
    if (url === "/v1/auth/approle/login") return this.#login(body);
    if (!this.tokens.has(token)) return { status: 403, answer: { errors: ["permission denied"] } };
    if (url === "/v1/auth/token/lookup-self") return { status: 200, answer: { data: { ttl: 60 } } };
    const data = this.values.get(decodeURIComponent(url));
    if (!data) return { status: 404, answer: { errors: [] } };
    return { status: 200, answer: { data: { data, metadata: { version: 1 } } } };
  }

  #login(body: string): { status: number; answer: unknown } {
    const given = JSON.parse(body) as { role_id?: string; secret_id?: string };
    if (given.role_id !== "shop" || given.secret_id !== "s3cret-id")
      return { status: 400, answer: { errors: ["invalid role or secret ID"] } };
    this.#logins += 1;
    const token = `lease-${this.#logins}`;
    this.tokens.add(token);
    return { status: 200, answer: { auth: { client_token: token, lease_duration: this.leaseSeconds } } };
  }
}
