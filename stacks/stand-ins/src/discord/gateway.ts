import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { Connection, type GatewayContext } from "./connection.ts";

const mostConnections = 1_000;
const mostPayloadBytes = 16 * 1024;

/** The WebSocket side: takes sockets in, and can close or disturb all of them. */
export class Gateway {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: mostPayloadBytes });
  readonly #connections = new Set<Connection>();
  readonly #context: GatewayContext;

  constructor(context: GatewayContext) {
    this.#context = context;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#refusal(request);
    if (refusal) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (accepted) => {
      const connection = new Connection(accepted, request.headers.host ?? "localhost", this.#context);
      this.#connections.add(connection);
      accepted.on("close", () => this.#connections.delete(connection));
    });
  }

  #refusal(request: IncomingMessage): string | undefined {
    const { refuseGateway, down } = this.#context.faults.now;
    if (!/^\/gateway\/?(\?|$)/.test(request.url ?? "")) return "404 Not Found";
    const isFull = this.#connections.size >= mostConnections;
    return refuseGateway || down || isFull ? "503 Service Unavailable" : undefined;
  }

  close(code: number, shard?: number): number {
    return this.#each(shard, (connection) => connection.close(code, "Closed by the control API"));
  }

  invalidate(resumable: boolean): number {
    return this.#each(undefined, (connection) => connection.invalidate(resumable));
  }

  askToReconnect(): number {
    return this.#each(undefined, (connection) => connection.send({ op: 7, d: null }));
  }

  stop(): void {
    for (const connection of this.#connections) connection.close(1001, "Going away");
    this.#server.close();
  }

  #each(shard: number | undefined, act: (connection: Connection) => void): number {
    const meant = [...this.#connections].filter(
      (connection) => shard === undefined || connection.session?.shard[0] === shard,
    );
    for (const connection of meant) act(connection);
    return meant.length;
  }
}
