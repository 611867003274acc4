import PostalMime, { type Address } from "postal-mime";
import { Bounded } from "../shared/bounded.ts";
import type { Json } from "../shared/call.ts";

export type Received = { raw: Buffer; from: string; to: string[]; tls: boolean; user: string };
export type Message = Json & { to: string[]; envelope: { from: string; to: string[] } };

/** What was received, parsed. */
export class Mailbox {
  readonly #messages = new Bounded<Message>(200);
  #count = 0;

  async add({ raw, from, to, tls, user }: Received): Promise<void> {
    const mail = await PostalMime.parse(new Uint8Array(raw));
    this.#count += 1;
    this.#messages.push({
      id: this.#count,
      at: new Date().toISOString(),
      from: mail.from ? addresses([mail.from])[0] : from,
      to: addresses(mail.to ?? []),
      envelope: { from, to },
      subject: mail.subject ?? "",
      text: mail.text ?? "",
      html: mail.html ?? "",
      headers: Object.fromEntries(mail.headers.map(({ key, value }) => [key, value])),
      attachments: mail.attachments.map(({ filename, mimeType, content }) => {
        const size = typeof content === "string" ? content.length : content.byteLength;
        return { filename, contentType: mimeType, size };
      }),
      tls,
      user,
    });
  }

  list(to: string | null): readonly Message[] {
    return this.#messages.all.filter(
      (one) => to === null || one.to.includes(to) || one.envelope.to.includes(to),
    );
  }

  clear(): void {
    this.#messages.clear();
  }
}

function addresses(list: readonly Address[]): string[] {
  return list.flatMap((one) => (one.group ? addresses(one.group) : (one.address ?? [])));
}
