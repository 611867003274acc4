import { connect, type Socket } from "node:net";
import { BadResponse, type ResponseHead, ResponseParser } from "./upstream-parser.ts";

/** What happened to a connection before its answer was complete. */
export type UpstreamFailure =
  /** Nothing was sent: refused, unreachable or too slow to connect. */
  | "connect"
  /** A kept connection was closed before a byte of the answer: the target had given it up. */
  | "stale"
  /** A fresh connection was closed before a byte of the answer. */
  | "reset"
  /** The answer broke off or was not HTTP. */
  | "broken";

export type UpstreamUser = {
  onConnected(): void;
  onHead(head: ResponseHead): void;
  onBody(chunk: Buffer): void;
  onComplete(): void;
  onFailure(kind: UpstreamFailure, detail: string): void;
  onWritable(): void;
};

/** Reads of all connections go through one buffer: whoever keeps bytes copies them. */
const readBuffer = Buffer.allocUnsafeSlow(131_072);
const maxIdle = 256;
const idleLimitMs = 30_000;

/** One connection to a target. At most one user at a time. */
export class UpstreamConnection {
  readonly socket: Socket;
  connected = false;
  lastUsed = 0;
  #user: UpstreamUser | undefined;
  #fresh = true;
  #heard = false;
  #error = "";
  readonly #parser: ResponseParser;
  readonly #pool: UpstreamPool;

  constructor(pool: UpstreamPool, address: { host: string; port: number }) {
    this.#pool = pool;
    this.#parser = new ResponseParser(this);
    this.socket = connect({
      ...address,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (size, buffer) => this.#read(size, buffer) },
    });
    this.socket.on("connect", () => {
      this.connected = true;
      this.#user?.onConnected();
    });
    this.socket.on("drain", () => this.#user?.onWritable());
    this.socket.on("error", (error) => {
      this.#error = error.message;
    });
    this.socket.on("end", () => this.#ended());
    this.socket.on("close", () => this.#closed());
  }

  /** Hands the connection to a user and sends the head of its request. */
  send(user: UpstreamUser, method: string, head: string): void {
    this.#user = user;
    this.#heard = false;
    this.#parser.begin(this, method);
    this.socket.write(head, "latin1");
    if (this.connected) user.onConnected();
  }

  /** Cuts the connection; the user hears nothing more. */
  abandon(): void {
    this.#user = undefined;
    this.socket.destroy();
  }

  onHead(head: ResponseHead): void {
    this.#user?.onHead(head);
  }

  onBody(chunk: Buffer): void {
    this.#user?.onBody(chunk);
  }

  onComplete(reusable: boolean): void {
    const user = this.#user;
    this.#user = undefined;
    this.#fresh = false;
    // Its last user may have paused it for a slow client; whoever is next would wait for ever.
    this.socket.resume();
    if (reusable) this.#pool.release(this);
    else this.socket.destroy();
    user?.onComplete();
  }

  #read(size: number, buffer: Uint8Array): boolean {
    this.#heard = true;
    try {
      this.#parser.execute((buffer as Buffer).subarray(0, size));
    } catch (error) {
      if (!(error instanceof BadResponse)) throw error;
      this.#fail("broken", error.message);
    }
    return true;
  }

  #ended(): void {
    if (this.#user !== undefined && this.#parser.end()) return;
    this.#pool.forget(this);
    this.socket.destroy();
  }

  #closed(): void {
    this.#pool.forget(this);
    if (this.#user === undefined) return;
    const detail = this.#error || "connection closed";
    if (this.#heard) this.#fail("broken", detail);
    else if (!this.connected) this.#fail("connect", detail);
    else this.#fail(this.#fresh ? "reset" : "stale", detail);
  }

  #fail(kind: UpstreamFailure, detail: string): void {
    const user = this.#user;
    this.#user = undefined;
    if (kind === "stale") this.#pool.learnStale(this);
    this.#pool.forget(this);
    this.socket.destroy();
    user?.onFailure(kind, detail);
  }
}

/**
 * Kept connections of one target, newest first. A request that must not be sent twice takes only a connection used
 * a moment ago, and less than half as long ago as this target has ever closed one: so it never meets one that the
 * target is closing right now.
 */
export class UpstreamPool {
  readonly #address: { host: string; port: number };
  #idle: UpstreamConnection[] = [];
  #carefulMs = 1_000;
  #closing = false;

  constructor(address: { host: string; port: number }) {
    this.#address = address;
  }

  acquire(how: { once: boolean; fresh: boolean }, now: number): UpstreamConnection {
    if (!how.fresh) {
      const newest = this.#idle.at(-1);
      if (newest !== undefined && (!how.once || now - newest.lastUsed < this.#carefulMs)) {
        this.#idle.pop();
        return newest;
      }
    }
    return new UpstreamConnection(this, this.#address);
  }

  release(connection: UpstreamConnection): void {
    if (this.#closing || this.#idle.length >= maxIdle) {
      connection.socket.destroy();
      return;
    }
    connection.lastUsed = performance.now();
    this.#idle.push(connection);
  }

  forget(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.learnStale(connection);
  }

  learnStale(connection: UpstreamConnection): void {
    this.#carefulMs = Math.min(this.#carefulMs, (performance.now() - connection.lastUsed) / 2);
  }

  /** Closes what has been idle for long; called about every second. */
  sweep(now: number): void {
    while (this.#idle[0] !== undefined && now - this.#idle[0].lastUsed > idleLimitMs)
      this.#idle.shift()?.abandon();
  }

  /** Closes idle connections now and used ones as they come back. */
  close(): void {
    this.#closing = true;
    this.closeIdle();
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.abandon();
  }
}
