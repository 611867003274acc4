import { createTransport } from "nodemailer";
import { log } from "../platform/log.ts";
import type { Settings } from "../platform/settings.ts";

export type Mail = { to: string; subject: string; text: string };

const mostWaiting = 200;
const tries = 3;

/** Sends mail behind everybody's back: nobody waits for it, and a mail server that is away costs mails, not deals. */
export class Mailer {
  readonly #transport: ReturnType<typeof createTransport> | undefined;
  readonly #from: string;
  readonly #waiting: Mail[] = [];
  #running: Promise<void> | undefined;

  constructor(settings: Settings) {
    const { SMTP_HOST: host, SMTP_PORT: port, SMTP_USER: user, SMTP_PASS: pass } = settings;
    this.#from = settings.MAIL_FROM;
    if (!host || !user || !pass) return;
    this.#transport = createTransport({
      host,
      port,
      secure: false,
      // STARTTLS or nothing: never a password in the clear.
      requireTLS: true,
      auth: { user, pass },
      tls: { rejectUnauthorized: settings.SMTP_VERIFY === "true" },
      connectionTimeout: 5_000,
      greetingTimeout: 5_000,
      socketTimeout: 10_000,
    });
  }

  send(mail: Mail): void {
    if (!this.#transport) return;
    if (this.#waiting.length >= mostWaiting) {
      log("mail.dropped", { reason: "too many waiting" });
      return;
    }
    this.#waiting.push(mail);
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  /** Lets what waits go out, for so long at most. */
  async close(milliseconds: number): Promise<void> {
    await Promise.race([this.#running, new Promise((resolve) => setTimeout(resolve, milliseconds).unref())]);
    this.#transport?.close();
  }

  async #work(): Promise<void> {
    for (let mail = this.#waiting.shift(); mail; mail = this.#waiting.shift()) await this.#deliver(mail);
  }

  async #deliver(mail: Mail): Promise<void> {
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      try {
        await this.#transport?.sendMail({ from: this.#from, ...mail });
        return;
      } catch (error) {
        log("mail.failed", { attempt, message: error instanceof Error ? error.message : String(error) });
        if (attempt < tries) await new Promise((resolve) => setTimeout(resolve, 500 * attempt).unref());
      }
    }
  }
}
