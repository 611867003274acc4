import { join } from "node:path";
import { assertNever } from "../../lib/assert-never.ts";
import { AccessLog } from "./access-log.ts";
import { DataPlane } from "./data-plane.ts";
import { type FromWorker, logLine, type Order, type Spend, type ToWorker, toWire } from "./messages.ts";

const spendEveryMs = 10;
const maxLinesASecond = 20;

/** A worker process: one data plane that obeys the orders of the edge's first process. */
export function runWorker(): void {
  const worker = new Worker();
  process.on("message", (message: ToWorker) => {
    worker.obey(message.order).then(
      (value) => send({ kind: "reply", id: message.id, value: value ?? null }),
      (error: unknown) => send({ kind: "failure", id: message.id, error: toWire(error) }),
    );
  });
  // The first process decides when a worker ends; a signal to the whole group must not cut requests.
  process.on("SIGTERM", () => logLine("worker waits for its order to stop"));
  process.on("SIGINT", () => logLine("worker waits for its order to stop"));
  send({ kind: "ready" });
}

function send(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

class Worker {
  #plane: DataPlane | undefined;
  #log: AccessLog | undefined;
  #spends = new Map<string, Spend>();
  #lines = 0;

  async obey(order: Order) {
    if (order.kind === "start") return this.#start(order);
    const plane = this.#plane;
    if (plane === undefined) throw new Error("worker was not started");
    switch (order.kind) {
      case "prepare":
        return plane.prepare(order.config, order.version);
      case "commit":
        return plane.commit();
      case "rollBack":
        return plane.rollBack();
      case "observe":
        return plane.observe();
      case "drain":
        return plane.drain(order.target, order.limitMs);
      case "spend":
        for (const { route, client, count } of order.spends) plane.spend(route, client, count);
        return;
      case "reopenLog":
        return this.#log?.reopen();
      case "stop":
        return this.#stop(plane, order.limitMs);
      default:
        assertNever(order);
    }
  }

  #start(order: Extract<Order, { kind: "start" }>): void {
    const log = new AccessLog(join(order.home, "edge", "access.log"));
    this.#log = log;
    const plane: DataPlane = new DataPlane({
      ticketKeys: Buffer.from(order.ticketKeys, "base64"),
      record: (asked, status, backend) =>
        log.record(asked, status, { target: plane.takeLastTarget(), backend }),
      log: (event, detail) => this.#line(event, detail),
      onSpend: (route, client) => this.#spend(route, client),
    });
    this.#plane = plane;
    setInterval(() => {
      this.#lines = 0;
    }, 1_000).unref();
  }

  async #stop(plane: DataPlane, limitMs: number): Promise<void> {
    await plane.close(limitMs);
    await this.#log?.close();
    setImmediate(() => process.disconnect());
  }

  /** A dead service must not fill the disk with one line a request. */
  #line(event: string, detail: Record<string, unknown>): void {
    this.#lines += 1;
    if (this.#lines <= maxLinesASecond) logLine(event, detail);
  }

  #spend(route: string, client: string): void {
    const key = `${route}\n${client}`;
    const known = this.#spends.get(key);
    if (known) known.count += 1;
    else this.#spends.set(key, { route, client, count: 1 });
    if (this.#spends.size === 1 && !known)
      setTimeout(() => {
        send({ kind: "spends", spends: [...this.#spends.values()] });
        this.#spends = new Map();
      }, spendEveryMs);
  }
}
