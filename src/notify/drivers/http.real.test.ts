import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { aMessage, notifierConformance, type Receiver } from "../conformance.ts";
import { NotifyError } from "../errors.ts";
import type { ChannelTarget } from "../port.ts";
import { DiscordNotifier } from "./discord.ts";
import { SlackNotifier } from "./slack.ts";
import { WebhookNotifier } from "./webhook.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

type Request = { path: string; headers: IncomingMessage["headers"]; body: string };
type Answer = { status: number; headers?: Record<string, string> } | "never";

/** An HTTP receiver; remembers what it answered with success. */
async function listen(): Promise<{ origin: string; taken: Request[]; answer: (next: Answer) => void }> {
  const taken: Request[] = [];
  let answer: Answer = { status: 204 };
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    if (answer === "never") return;
    if (answer.status < 300)
      taken.push({
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(pieces).toString(),
      });
    response.writeHead(answer.status, answer.headers).end("{}");
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    taken,
    answer: (next) => {
      answer = next;
    },
  };
}

const secret = "hook-token-71f3";

async function receiverOf(make: (url: string) => ChannelTarget): Promise<Receiver> {
  const server = await listen();
  const statuses = { ok: 204, unavailable: 503, refuse: 404, slow: 0 };
  return {
    target: make(`${server.origin}/hooks/${secret}`),
    received: () => server.taken.map(({ body }) => body),
    behave: (how) => server.answer(how === "slow" ? "never" : { status: statuses[how] }),
    credentials: [secret],
  };
}

describe("webhook", () => {
  notifierConformance(async () => ({
    notifier: new WebhookNotifier(systemClock),
    receiver: await receiverOf((url) => ({ kind: "webhook", url, secret })),
  }));

  it("is signed over time and body, and carries its id", async () => {
    const server = await listen();
    await new WebhookNotifier(systemClock).send(
      { kind: "webhook", url: `${server.origin}/x`, secret },
      aMessage(),
      AbortSignal.timeout(5000),
    );
    const [request] = server.taken;
    const timestamp = String(request?.headers["x-roadstead-timestamp"]);
    const expected = createHmac("sha256", secret).update(`${timestamp}.${request?.body}`).digest("hex");
    expect(request?.headers["x-roadstead-signature"]).toBe(`v1=${expected}`);
    expect(request?.headers["idempotency-key"]).toBe("alert_1.fired.warning");
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(10);
    expect(JSON.parse(request?.body ?? "")).toMatchObject({
      version: 1,
      severity: "warning",
      state: "firing",
    });
  });

  it("passes on how long a busy receiver wants to be left alone", async () => {
    const server = await listen();
    server.answer({ status: 429, headers: { "retry-after": "120" } });
    const target = { kind: "webhook", url: server.origin, secret } as const;
    const sent = new WebhookNotifier(systemClock).send(target, aMessage(), AbortSignal.timeout(5000));
    const error = await sent.catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(NotifyError);
    expect(error).toMatchObject({ code: "NOTIFY_UNAVAILABLE", retryAfterSeconds: 120 });
  });

  it("follows no redirect", async () => {
    const [server, elsewhere] = [await listen(), await listen()];
    server.answer({ status: 307, headers: { location: `${elsewhere.origin}/` } });
    const target = { kind: "webhook", url: server.origin, secret } as const;
    const sent = new WebhookNotifier(systemClock).send(target, aMessage(), AbortSignal.timeout(5000));
    await expect(sent).rejects.toMatchObject({ code: "NOTIFY_REFUSED" });
    expect(elsewhere.taken).toEqual([]);
  });

  it("says that nobody listens, without the address", async () => {
    const target = { kind: "webhook", url: `http://127.0.0.1:1/${secret}`, secret } as const;
    const sent = new WebhookNotifier(systemClock).send(target, aMessage(), AbortSignal.timeout(5000));
    await expect(sent).rejects.toThrow(/^127\.0\.0\.1:1 did not answer: \w+/);
  });
});

describe("discord", () => {
  notifierConformance(async () => ({
    notifier: new DiscordNotifier(),
    receiver: await receiverOf((url) => ({ kind: "discord", url })),
  }));

  it("keeps to Discord's limits and can call nobody", async () => {
    const server = await listen();
    const [item] = aMessage().items;
    const items = Array.from({ length: 50 }, () => ({ ...item, text: "y".repeat(3000) })) as never[];
    await new DiscordNotifier().send(
      { kind: "discord", url: server.origin },
      aMessage({ items }),
      AbortSignal.timeout(5000),
    );
    const body = JSON.parse(server.taken[0]?.body ?? "");
    expect(body.allowed_mentions).toEqual({ parse: [] });
    expect(body.embeds[0].description.length).toBeLessThanOrEqual(4096);
    expect(body.embeds[0].title.length).toBeLessThanOrEqual(256);
  });
});

describe("slack", () => {
  notifierConformance(async () => ({
    notifier: new SlackNotifier(),
    receiver: await receiverOf((url) => ({ kind: "slack", url })),
  }));

  it("calls no channel, whatever a service printed", async () => {
    const server = await listen();
    await new SlackNotifier().send(
      { kind: "slack", url: server.origin },
      aMessage({ title: "<!channel> & more" }),
      AbortSignal.timeout(5000),
    );
    expect(JSON.parse(server.taken[0]?.body ?? "").text).toContain("&lt;!channel&gt; &amp; more");
  });
});
