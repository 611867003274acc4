import { notifierConformance } from "../conformance.ts";
import { MemoryNotifier } from "./memory.ts";

notifierConformance(async () => {
  const notifier = new MemoryNotifier();
  return {
    notifier,
    receiver: {
      target: { kind: "memory", name: "ops" },
      received: () =>
        notifier.sent.map(({ message }) =>
          message.items.map((one) => `${one.id} ${one.subject} ${one.text} ${one.state}`).join("\n"),
        ),
      behave: (how) => {
        const ways = { ok: "ok", unavailable: "fail", refuse: "refuse", slow: "hang" } as const;
        notifier.behaviour = ways[how];
      },
      credentials: [],
    },
  };
});
