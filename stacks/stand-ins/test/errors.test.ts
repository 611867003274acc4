import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import * as sentry from "@sentry/node";
import { startErrors } from "../src/errors/errors.ts";
import { get, post, until } from "./control.ts";

type Event = {
  project: string;
  release: string;
  environment: string;
  exception: { type: string; value: string }[];
  tags: Record<string, string>;
};

let errors: Awaited<ReturnType<typeof startErrors>>;

before(async () => {
  errors = await startErrors({ PORT: "0", HOST: "127.0.0.1", PUBLIC_KEY: "key" });
});
after(() => errors.close());
beforeEach(() => post(errors.url, "reset"));

test("R-238: @sentry/node sends an exception with release and tags, large ones compressed", async () => {
  const dsn = errors.url.replace("//", "//key@");
  sentry.init({ dsn: `${dsn}/42`, release: "shop@2", environment: "test", defaultIntegrations: false });
  sentry.captureException(new TypeError("no such offer"), {
    tags: { route: "/offers" },
    extra: { large: "x".repeat(9_000) },
  });
  await sentry.flush(5_000);
  await sentry.close();
  const [event] = await until("the event", async () => {
    const all = await get<Event[]>(errors.url, "events?project=42");
    return all.length > 0 && all;
  });
  assert.deepEqual(event?.exception, [{ type: "TypeError", value: "no such offer" }]);
  assert.equal(event?.release, "shop@2");
  assert.equal(event?.environment, "test");
  assert.equal(event?.tags["route"], "/offers");
  assert.deepEqual(await get(errors.url, "events?project=1"), []);
});

const envelope = (body: BodyInit, query = "?sentry_key=key", headers = {}) =>
  fetch(`${errors.url}/api/7/envelope/${query}`, { method: "POST", body, headers });

test("R-238: envelopes with gzip, several items and lengths; broken ones are refused", async () => {
  const text = `{"event_id":"a1"}\n{"type":"event","length":16}\n{"message":"hi"}\n{"type":"session"}\n{"sid":"1"}\n`;
  assert.equal((await envelope(text)).status, 200);
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const zipped = await new Response(stream).arrayBuffer();
  assert.equal((await envelope(zipped, undefined, { "content-encoding": "gzip" })).status, 200);
  const items = await get<{ type: string }[]>(errors.url, "items");
  assert.deepEqual(
    items.map(({ type }) => type),
    ["event", "session", "event", "session"],
  );
  assert.equal((await envelope("not an envelope")).status, 400);
  assert.equal((await envelope(text.replace("16", "1600"))).status, 400);
  assert.equal((await envelope(text, "?sentry_key=wrong")).status, 401);
});

test("R-238: a browser may send from another origin", async () => {
  const answer = await fetch(`${errors.url}/api/7/envelope/`, { method: "OPTIONS" });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
});

test("R-059: source maps of a release are taken", async () => {
  const form = new FormData();
  form.append("name", "~/app.js.map");
  form.append("file", new Blob(["{}"]), "app.js.map");
  const upload = (headers: Record<string, string>) =>
    fetch(`${errors.url}/api/0/organizations/shop/releases/shop%402/files/`, {
      method: "POST",
      body: form,
      headers,
    });
  assert.equal((await upload({})).status, 401);
  assert.equal((await upload({ authorization: "Bearer upload" })).status, 201);
  const files = await get<{ release: string; name: string; size: number }[]>(errors.url, "files");
  assert.deepEqual(
    files.map(({ release, name, size }) => [release, name, size]),
    [["shop@2", "~/app.js.map", 2]],
  );
});
