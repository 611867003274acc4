import type { LogLine, StoredLine } from "./port.ts";

export const scope = { stack: "shop", environment: "production" };

/** Lines of one replica, a millisecond apart from `from` on. */
export function lines(
  texts: readonly string[],
  options: { from?: number; step?: number; line?: Partial<LogLine> } = {},
): LogLine[] {
  const { from = 1000, step = 1, line = {} } = options;
  return texts.map((text, at) => ({
    ...{ at: from + at * step, service: "api", release: "rel_1", replica: "shop-production-api-1" },
    stream: "stdout",
    text,
    ...line,
  }));
}

/** Puts the texts of a followed store into `seen` until it ends. */
export async function readAll(followed: AsyncIterable<StoredLine>, seen: string[]): Promise<void> {
  for await (const line of followed) seen.push(line.text);
}

/** Waits, a turn of the event loop at a time, until it holds; gives up after ten seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const limit = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > limit) throw new Error("it did not come to hold within ten seconds");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
