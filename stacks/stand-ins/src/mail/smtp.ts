import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import type { Faults } from "../shared/faults.ts";
import type { MailFaults, Stage } from "./mail-faults.ts";
import type { Mailbox } from "./mailbox.ts";
import type { MailSettings } from "./settings.ts";

export const mostMailBytes = 10 * 1024 * 1024;

type Certificate = { key: string; cert: string };
type Parts = { settings: MailSettings; mailbox: Mailbox; faults: Faults<MailFaults> };

/** The SMTP side: STARTTLS, then AUTH, then mail. */
export function smtpServer({ settings, mailbox, faults }: Parts, certificate: Certificate): SMTPServer {
  /** The error that the control API asks for at this stage. */
  const refusal = (stage: Stage): Error | null => {
    const { smtp, down } = faults.now;
    if (down && stage === "connect") return smtpError(421, "Service not available");
    return smtp?.stage === stage ? smtpError(smtp.code, "Refused by the control API") : null;
  };
  return new SMTPServer({
    ...certificate,
    name: settings.name,
    size: mostMailBytes,
    authMethods: ["PLAIN", "LOGIN"],
    allowInsecureAuth: false,
    disableReverseLookup: true,
    closeTimeout: 500,
    onConnect: (_session, done) => done(refusal("connect")),
    onAuth: (auth, _session, done) => {
      const isRight = auth.username === settings.user && auth.password === settings.password;
      const error = refusal("auth") ?? (isRight ? null : smtpError(535, "Authentication failed"));
      if (error) done(error);
      else done(null, { user: settings.user });
    },
    onMailFrom: (_address, _session, done) => done(refusal("from")),
    onRcptTo: (_address, _session, done) => done(refusal("to")),
    onData: (stream, session, done) => {
      receive(mailbox, stream, session).then((tooLarge) => {
        done(refusal("data") ?? (tooLarge ? smtpError(552, "Message too large") : null));
      }, done);
    },
  });
}

/** True when the mail was too large to keep. */
async function receive(
  mailbox: Mailbox,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
): Promise<boolean> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= mostMailBytes) chunks.push(chunk);
  }
  if (size > mostMailBytes) return true;
  const { mailFrom, rcptTo } = session.envelope;
  await mailbox.add({
    raw: Buffer.concat(chunks),
    from: mailFrom ? mailFrom.address : "",
    to: rcptTo.map(({ address }) => address),
    tls: session.secure,
    user: typeof session.user === "string" ? session.user : "",
  });
  return false;
}

function smtpError(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
