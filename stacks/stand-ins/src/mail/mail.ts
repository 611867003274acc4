import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import { json } from "../shared/answer.ts";
import { type Environment, listenOn } from "../shared/settings.ts";
import { StandIn } from "../shared/stand-in.ts";
import { mailFaults } from "./mail-faults.ts";
import { Mailbox } from "./mailbox.ts";
import { mailSettings } from "./settings.ts";
import { smtpServer } from "./smtp.ts";

export type Mail = { url: string; port: number; smtpPort: number; close(): Promise<void> };

/** Starts the SMTP server and its control API. */
export async function startMail(env: Environment): Promise<Mail> {
  const settings = mailSettings(env);
  const mailbox = new Mailbox();
  const faults = mailFaults();
  const { private: key, cert } = await selfSigned(settings.name);
  const smtp = smtpServer({ settings, mailbox, faults }, { key, cert });
  const standIn = new StandIn({
    name: "mail",
    ...listenOn(env),
    faults,
    routes: {},
    control: {
      "GET /_stand-in/messages": (call) => json(mailbox.list(call.url.searchParams.get("to"))),
      "GET /_stand-in/certificate": () => ({
        status: 200,
        body: cert,
        headers: { "content-type": "application/x-pem-file" },
      }),
    },
    reset: () => mailbox.clear(),
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  smtp.once("error", reject);
  smtp.listen(settings.smtpPort, settings.host, resolve);
  await promise;
  smtp.off("error", reject);
  await standIn.listen();
  // From here on errors are those of single clients, who break off as they like.
  smtp.on("error", (error: Error) => process.stderr.write(`mail: ${error.message}\n`));
  return {
    url: standIn.url,
    port: standIn.port,
    smtpPort: (smtp.server.address() as AddressInfo).port,
    close: async () => {
      const { promise: closed, resolve: done } = Promise.withResolvers<void>();
      smtp.close(done);
      await Promise.all([closed, standIn.close()]);
    },
  };
}

function selfSigned(name: string): Promise<{ private: string; cert: string }> {
  const names = [name, "localhost"].map((value) => ({ type: 2 as const, value }));
  const notAfterDate = new Date(Date.now() + 365 * 86_400_000);
  return generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    notAfterDate,
    extensions: [{ name: "subjectAltName", altNames: [...names, { type: 7, ip: "127.0.0.1" }] }],
  });
}
