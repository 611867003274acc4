import { LoadGenerator, type LoadReport } from "../load-generator.ts";
import { stackHost } from "./stack-arms.ts";

/** What one request showed, and when its answer was there. Epoch milliseconds. `versions` is empty for a failure. */
type Seen = { at: number; versions: readonly string[] };

/**
 * Watches from outside which version answers: 200 requests a second through both services. A time is known to about
 * 5 ms.
 */
export class AnswerTrace {
  readonly #generator: LoadGenerator;
  #seen: Seen[] = [];

  constructor(port: number) {
    this.#generator = new LoadGenerator({
      host: "127.0.0.1",
      port,
      requests: [{ host: stackHost, path: "/through" }],
      connections: 8,
      rate: 200,
      onAnswer: ({ status, body }) => {
        if (status === 200) this.#seen.push({ at: Date.now(), versions: versionsIn(body) });
      },
      onFailure: () => this.#seen.push({ at: Date.now(), versions: [] }),
    }).start();
  }

  /** Forgets what came before. */
  restart(): void {
    this.#seen = [];
  }

  /** When the last answer was there that did not come from this version alone: an older or newer one, or a failure. */
  lastOther(version: string): number | undefined {
    return this.#seen.findLast(
      ({ versions }) => versions.some((one) => one !== version) || versions.length === 0,
    )?.at;
  }

  /** Waits until so many answers in a row came from this version alone. @throws after 30 s */
  async settled(version: string, inARow = 20): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const last = this.#seen.slice(-inARow);
      const right = ({ versions }: Seen) => versions.length > 0 && versions.every((one) => one === version);
      if (last.length === inARow && last.every(right)) return;
      if (Date.now() > deadline) throw new Error(`answers do not settle on ${version}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  stop(): Promise<LoadReport> {
    return this.#generator.stop();
  }
}

function versionsIn(body: string): string[] {
  const { front, api } = JSON.parse(body) as { front: string; api: string };
  return [front, api];
}
