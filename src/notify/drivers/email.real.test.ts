import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { aMessage, notifierConformance, type Receiver } from "../conformance.ts";
import type { ChannelTarget } from "../port.ts";
import { EmailNotifier } from "./email.ts";

const password = "mail-pass-9c2e";
const servers: SMTPServer[] = [];
let folder = "";
let key = "";
let cert = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "roadstead-mail-"));
  const argv = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync("openssl", [...argv, ...names, "-keyout", join(folder, "k"), "-out", join(folder, "c")], {
    stdio: "ignore",
  });
  key = readFileSync(join(folder, "k"), "utf8");
  cert = readFileSync(join(folder, "c"), "utf8");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise<void>((resolve) => server.close(() => resolve()));
});

type Options = { tls?: boolean; secure?: boolean };

/** A real SMTP server that wants a password, over STARTTLS unless told otherwise. */
async function mailServer({
  tls = true,
  secure = false,
}: Options = {}): Promise<Receiver & { secured: () => boolean[] }> {
  const taken: string[] = [];
  const secured: boolean[] = [];
  let how: Parameters<Receiver["behave"]>[0] = "ok";
  const refused = (code: number) => Object.assign(new Error("no"), { responseCode: code });
  const server = new SMTPServer({
    secure,
    key,
    cert,
    disabledCommands: tls ? [] : ["STARTTLS", "AUTH"],
    authOptional: !tls,
    closeTimeout: 100,
    onConnect: (_session, done) => {
      if (how !== "slow") done();
    },
    onAuth: (auth, _session, done) =>
      auth.password === password ? done(null, { user: auth.username }) : done(refused(535)),
    onRcptTo: (_address, _session, done) =>
      how === "unavailable" ? done(refused(451)) : how === "refuse" ? done(refused(550)) : done(),
    onData: (stream, session, done) => {
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", () => {
        taken.push(decoded(Buffer.concat(pieces).toString()));
        secured.push(session.secure);
        done();
      });
    },
  });
  server.on("error", () => undefined);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  const security = secure ? "tls" : tls ? "starttls" : "none";
  const account = tls ? { user: "ops", password } : {};
  const target: ChannelTarget = {
    kind: "email",
    host: "127.0.0.1",
    port,
    security,
    from: "roadstead@example.test",
    to: ["ada@example.test"],
    ...account,
  };
  return {
    target,
    received: () => taken,
    behave: (next) => {
      how = next;
    },
    credentials: [password],
    secured: () => secured,
  };
}

/** Enough of MIME for the assertions: soft line breaks and encoded bytes of quoted-printable. */
function decoded(mail: string): string {
  const joined = mail.replace(/(?<!\?)=\r\n/g, "");
  return joined.replace(/(?:=[0-9A-F]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll("=", ""), "hex").toString(),
  );
}

describe("email", () => {
  notifierConformance(async () => ({
    notifier: new EmailNotifier({ ca: cert }),
    receiver: await mailServer(),
  }));

  it("is encrypted by STARTTLS, to all recipients, with an id that stays the same", async () => {
    const receiver = await mailServer();
    for (let round = 0; round < 2; round += 1)
      await new EmailNotifier({ ca: cert }).send(receiver.target, aMessage(), AbortSignal.timeout(10_000));
    expect(receiver.secured()).toEqual([true, true]);
    const ids = receiver.received().map((mail) => /^Message-ID:\s+(\S+)/im.exec(mail)?.[1]);
    expect(ids[0]).toMatch(/^<[0-9a-f]{32}@roadstead\.invalid>$/);
    expect(ids[1]).toBe(ids[0]);
    expect(receiver.received()[0]).not.toContain(password);
  });

  it("works over TLS from the start", async () => {
    const receiver = await mailServer({ secure: true });
    await new EmailNotifier({ ca: cert }).send(receiver.target, aMessage(), AbortSignal.timeout(10_000));
    expect(receiver.secured()).toEqual([true]);
  });

  it("sends nothing to a server without STARTTLS that should have it", async () => {
    const receiver = await mailServer({ tls: false });
    if (receiver.target.kind !== "email") throw new Error("no mail");
    const target: ChannelTarget = { ...receiver.target, security: "starttls", user: "ops", password };
    const sent = new EmailNotifier({ ca: cert }).send(target, aMessage(), AbortSignal.timeout(10_000));
    await expect(sent).rejects.toMatchObject({ code: expect.stringMatching(/^NOTIFY_/) });
    expect(receiver.received()).toEqual([]);
  });

  it("sends nothing to a server that nobody vouches for", async () => {
    const receiver = await mailServer();
    const sent = new EmailNotifier().send(receiver.target, aMessage(), AbortSignal.timeout(10_000));
    await expect(sent).rejects.toMatchObject({ code: "NOTIFY_UNAVAILABLE" });
    expect(receiver.received()).toEqual([]);
  });

  it("does not try a wrong password again", async () => {
    const receiver = await mailServer();
    if (receiver.target.kind !== "email") throw new Error("no mail");
    const target: ChannelTarget = { ...receiver.target, password: "wrong-one" };
    const sent = new EmailNotifier({ ca: cert }).send(target, aMessage(), AbortSignal.timeout(10_000));
    await expect(sent).rejects.toMatchObject({ code: "NOTIFY_REFUSED" });
  });
});
