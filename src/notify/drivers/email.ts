import { sha256 } from "../../lib/hash.ts";
import { NotifyError } from "../errors.ts";
import { bodyOf, headline } from "../message-text.ts";
import type { ChannelTarget, Message, Notifier } from "../port.ts";

const limitMs = 20_000;

/** Mail over SMTP. The package is loaded at the first mail: most installations send none. */
export class EmailNotifier implements Notifier {
  readonly kind = "email";
  readonly #ca: string | undefined;

  /** `ca`: a private authority in PEM, besides those of `NODE_EXTRA_CA_CERTS`. */
  constructor(options: { ca?: string } = {}) {
    this.#ca = options.ca;
  }

  async send(target: ChannelTarget, message: Message, signal: AbortSignal): Promise<void> {
    if (target.kind !== "email") return;
    const { createTransport } = await import("nodemailer");
    signal.throwIfAborted();
    const { host, port, security, user, password } = target;
    const transport = createTransport({
      host,
      port,
      secure: security === "tls",
      requireTLS: security === "starttls",
      ignoreTLS: security === "none",
      connectionTimeout: limitMs,
      greetingTimeout: limitMs,
      socketTimeout: limitMs,
      // A text must not be able to make the mailer read a file or fetch an address.
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(user === undefined ? {} : { auth: { user, pass: password ?? "" } }),
      ...(this.#ca === undefined ? {} : { tls: { ca: this.#ca } }),
    });
    const ended = new Promise<never>((_resolve, reject) => {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
      limited.addEventListener("abort", () => reject(limited.reason), { once: true });
    });
    try {
      await Promise.race([transport.sendMail(mailOf(target, message)), ended]);
    } catch (cause) {
      throw failureOf(cause, host);
    } finally {
      transport.close();
    }
  }
}

function mailOf({ from, to }: { from: string; to: readonly string[] }, message: Message) {
  return {
    from,
    to: [...to],
    subject: headline(message),
    text: `${bodyOf(message)}\n\n-- \nRoadstead, ${message.id}\n`,
    // The same message sent twice after a crash is one message for many mail programs.
    messageId: `<${sha256(message.id).slice(0, 32)}@roadstead.invalid>`,
    headers: { "Auto-Submitted": "auto-generated", "X-Roadstead-Id": message.id },
    ...(message.severity === "critical" ? { priority: "high" as const } : {}),
  };
}

function failureOf(cause: unknown, host: string): NotifyError {
  const { code, responseCode } = factsOf(cause);
  const what = responseCode === undefined ? (code ?? "no answer") : `answered ${responseCode}`;
  const isFinal = code === "EAUTH" || (responseCode !== undefined && responseCode >= 500);
  return new NotifyError(isFinal ? "NOTIFY_REFUSED" : "NOTIFY_UNAVAILABLE", `mail server ${host}: ${what}`, {
    ...(isFinal ? { hint: "Check user, password, sender and recipients of the channel." } : {}),
  });
}

function factsOf(cause: unknown): { code?: string; responseCode?: number } {
  if (typeof cause !== "object" || cause === null) return {};
  return {
    ...("code" in cause && typeof cause.code === "string" ? { code: cause.code } : {}),
    ...("responseCode" in cause && typeof cause.responseCode === "number"
      ? { responseCode: cause.responseCode }
      : {}),
  };
}
