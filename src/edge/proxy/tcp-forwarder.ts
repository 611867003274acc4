import { connect, type Socket } from "node:net";
import type { Plane } from "./plane.ts";
import type { BackendRuntime, Occupant, TargetRuntime } from "./runtime.ts";

const connectLimitMs = 5_000;

/** Sends a raw TCP connection to a target of the backend; another target is tried when one refuses. */
export function forwardTcp(plane: Plane, id: string, client: Socket): void {
  const backend = plane.backends.get(id);
  if (backend === undefined) {
    client.destroy();
    return;
  }
  client.setNoDelay(true);
  client.setKeepAlive(true, 60_000);
  new TcpLink(backend, client).dispatch();
}

class TcpLink implements Occupant {
  readonly #backend: BackendRuntime;
  readonly #client: Socket;
  readonly #tried = new Set<string>();
  #target: TargetRuntime | undefined;
  #server: Socket | undefined;
  #startedAt = 0;
  #open = false;

  constructor(backend: BackendRuntime, client: Socket) {
    this.#backend = backend;
    this.#client = client;
    client.on("error", () => client.destroy());
    client.on("close", () => {
      this.#server?.destroy();
      this.#leave();
    });
  }

  dispatch(): void {
    if (this.#client.destroyed) return;
    const now = performance.now();
    const { hold, holdSeconds } = this.#backend.config;
    if (hold) {
      const giveUp = () => this.#client.destroy();
      if (!this.#backend.wait({ until: now + holdSeconds * 1000, go: () => this.dispatch(), giveUp }))
        giveUp();
      return;
    }
    const target = this.#backend.balancer.pick(now, this.#tried);
    if (target === undefined) {
      this.#client.destroy();
      return;
    }
    this.#target = target;
    this.#startedAt = now;
    target.stats.requests += 1;
    target.stats.upgraded += 1;
    target.enter(this);
    this.#connect(target);
  }

  check(now: number): void {
    if (this.#open || this.#target === undefined || now - this.#startedAt <= connectLimitMs) return;
    this.#server?.destroy();
  }

  expel(): void {
    this.#client.destroy();
    this.#server?.destroy();
    this.#leave();
  }

  #connect(target: TargetRuntime): void {
    const server = connect({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true });
    this.#server = server;
    server.on("error", () => server.destroy());
    server.on("connect", () => {
      this.#open = true;
      server.setKeepAlive(true, 60_000);
      target.stats.answered(200, performance.now() - this.#startedAt);
      this.#client.pipe(server);
      server.pipe(this.#client);
    });
    server.on("close", () => {
      this.#leave();
      if (this.#open) {
        this.#client.end();
        return;
      }
      target.stats.failures += 1;
      target.eject(performance.now());
      this.#tried.add(target.id);
      this.dispatch();
    });
  }

  #leave(): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#target = undefined;
    target.stats.upgraded -= 1;
    target.leave(this);
  }
}
