import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { createTransport } from "nodemailer";
import { startMail } from "../src/mail/mail.ts";
import { get, post } from "./control.ts";

type Message = {
  subject: string;
  text: string;
  to: string[];
  from: string;
  tls: boolean;
  user: string;
  attachments: unknown[];
};

let mail: Awaited<ReturnType<typeof startMail>>;
let ca = "";

before(async () => {
  mail = await startMail({ PORT: "0", SMTP_PORT: "0", HOST: "127.0.0.1" });
  ca = await (await fetch(`${mail.url}/_stand-in/certificate`)).text();
});
after(() => mail.close());
beforeEach(() => post(mail.url, "reset"));

const letter = {
  from: "Market <noreply@market.example>",
  to: "grace@example.com, ada@example.com",
  subject: "Your order",
  text: "It is on its way.",
  attachments: [{ filename: "bill.txt", content: "5 USD" }],
};

function transport(pass = "stand-in-password") {
  return createTransport({
    host: "127.0.0.1",
    port: mail.smtpPort,
    secure: false,
    requireTLS: true,
    auth: { user: "stand-in", pass },
    tls: { ca, servername: "mail" },
  });
}

test("R-315: nodemailer sends by STARTTLS with a verified certificate", async () => {
  await transport().sendMail(letter);
  const [message] = await get<Message[]>(mail.url, "messages");
  assert.equal(message?.subject, "Your order");
  assert.equal(message?.text.trim(), "It is on its way.");
  assert.deepEqual(message?.to, ["grace@example.com", "ada@example.com"]);
  assert.equal(message?.from, "noreply@market.example");
  assert.equal(message?.tls, true);
  assert.equal(message?.user, "stand-in");
  assert.deepEqual(message?.attachments, [{ filename: "bill.txt", contentType: "text/plain", size: 5 }]);
  assert.equal((await get<Message[]>(mail.url, "messages?to=joan@example.com")).length, 0);
});

test("R-315: a wrong password is refused", async () => {
  await assert.rejects(transport("wrong").sendMail(letter), { responseCode: 535 });
});

test("R-315: without TLS nothing is accepted", async () => {
  const plain = createTransport({ host: "127.0.0.1", port: mail.smtpPort, secure: false, ignoreTLS: true });
  await assert.rejects(plain.sendMail(letter), { responseCode: 530 });
  assert.deepEqual(await get(mail.url, "messages"), []);
});

test("R-315: faults refuse at the wanted stage, until they are taken back", async () => {
  await post(mail.url, "faults", { smtp: { stage: "to", code: 550 } });
  await assert.rejects(transport().sendMail(letter), { responseCode: 550 });
  await post(mail.url, "faults", { smtp: { stage: "data", code: 451 } });
  await assert.rejects(transport().sendMail(letter), { responseCode: 451 });
  await post(mail.url, "faults", { down: true });
  await assert.rejects(transport().sendMail(letter));
  await post(mail.url, "faults", { smtp: null, down: false });
  await transport().sendMail(letter);
});

test("R-315: a taken SMTP port stops the start, with a clear error", async () => {
  const start = startMail({ PORT: "0", SMTP_PORT: String(mail.smtpPort), HOST: "127.0.0.1" });
  await assert.rejects(start, { code: "EADDRINUSE" });
});
