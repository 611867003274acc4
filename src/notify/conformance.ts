import { describe, expect, it } from "vitest";
import { hasCode } from "../lib/platform-error.ts";
import type { ChannelTarget, Message, Notifier } from "./port.ts";

/** The other end: a real server of the receiver's protocol that remembers what it took. */
export type Receiver = {
  target: ChannelTarget;
  /** Raw text of everything that arrived and was taken. */
  received: () => readonly string[];
  behave: (how: "ok" | "unavailable" | "refuse" | "slow") => void;
  /** What must appear in no error. */
  credentials: readonly string[];
};

export function aMessage(changes: Partial<Message> = {}): Message {
  const at = Date.UTC(2026, 6, 6, 12, 30, 15);
  return {
    id: "alert_1.fired.warning",
    state: "firing",
    severity: "warning",
    title: "picture-backend: High Memory Usage (85% > 80%)",
    at,
    items: [
      {
        id: "alert_1.fired.warning",
        state: "firing",
        severity: "warning",
        scope: "shop/production",
        subject: "picture-backend",
        text: "High Memory Usage (85% > 80%)",
        hint: "Raise the limit.",
        at,
      },
    ],
    ...changes,
  };
}

/** What every notifier keeps to. */
export function notifierConformance(make: () => Promise<{ notifier: Notifier; receiver: Receiver }>): void {
  const signal = () => AbortSignal.timeout(15_000);

  async function failure(how: "unavailable" | "refuse" | "slow", within = signal()): Promise<unknown> {
    const { notifier, receiver } = await make();
    receiver.behave(how);
    const error = await notifier.send(receiver.target, aMessage(), within).then(
      () => new Error("it was taken"),
      (cause: unknown) => cause,
    );
    const told = `${error instanceof Error ? `${error.message} ${error.stack} ${JSON.stringify(error.cause)}` : error}`;
    for (const credential of receiver.credentials) expect(told).not.toContain(credential);
    expect(receiver.received()).toEqual([]);
    return error;
  }

  describe("a notifier", () => {
    it("delivers value, threshold, service, time and id (R-181, R-197)", async () => {
      const { notifier, receiver } = await make();
      await notifier.send(receiver.target, aMessage(), signal());
      const [text, ...more] = receiver.received();
      expect(more).toEqual([]);
      for (const word of ["picture-backend", "High Memory Usage (85%", "alert_1.fired.warning"])
        expect(text).toContain(word);
    });

    it("says when it is over (R-197)", async () => {
      const { notifier, receiver } = await make();
      const [item] = aMessage().items;
      if (!item) throw new Error("no item");
      const items = [{ ...item, state: "resolved" as const }];
      await notifier.send(receiver.target, aMessage({ state: "resolved", items }), signal());
      expect(receiver.received()[0]).toMatch(/RESOLVED|resolved/);
    });

    it("takes long and awkward text as text", async () => {
      const { notifier, receiver } = await make();
      const [item] = aMessage().items;
      if (!item) throw new Error("no item");
      const text = `<!channel> @everyone "quoted"\r\n.\r\nBcc: evil@example.test ✓ ${"x".repeat(5000)}`;
      const items = Array.from({ length: 60 }, (_, index) => ({ ...item, id: `a${index}`, text }));
      await notifier.send(receiver.target, aMessage({ title: text, items }), signal());
      expect(receiver.received()).toHaveLength(1);
    });

    it("says that a receiver in trouble is worth another try", async () => {
      expect(hasCode(await failure("unavailable"), "NOTIFY_UNAVAILABLE")).toBe(true);
    });

    it("says that a refusal is not", async () => {
      expect(hasCode(await failure("refuse"), "NOTIFY_REFUSED")).toBe(true);
    });

    it("ends with its signal when the receiver is slow", async () => {
      const began = performance.now();
      expect(await failure("slow", AbortSignal.timeout(300))).toBeInstanceOf(Error);
      expect(performance.now() - began).toBeLessThan(5000);
    });
  });
}
