import { NotifyError } from "../errors.ts";
import type { ChannelTarget, Message, Notifier } from "../port.ts";

/** Keeps what it was given, for tests. */
export class MemoryNotifier implements Notifier {
  readonly kind = "memory";
  readonly sent: { name: string; message: Message }[] = [];
  /** What happens to the next messages. */
  behaviour: "ok" | "fail" | "refuse" | "hang" = "ok";
  tries = 0;

  async send(target: ChannelTarget, message: Message, signal: AbortSignal): Promise<void> {
    this.tries += 1;
    signal.throwIfAborted();
    if (this.behaviour === "fail") throw new NotifyError("NOTIFY_UNAVAILABLE", "memory answered 503");
    if (this.behaviour === "refuse") throw new NotifyError("NOTIFY_REFUSED", "memory answered 404");
    if (this.behaviour === "hang")
      await new Promise((_resolve, reject) => {
        signal.addEventListener(
          "abort",
          () => reject(new NotifyError("NOTIFY_UNAVAILABLE", "memory: ended")),
          { once: true },
        );
      });
    this.sent.push({ name: target.kind === "memory" ? target.name : target.kind, message });
  }
}
