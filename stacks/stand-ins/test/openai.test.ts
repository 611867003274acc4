import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { startOpenai } from "../src/openai/openai.ts";
import { get, post } from "./control.ts";

let openai: Awaited<ReturnType<typeof startOpenai>>;

before(async () => {
  openai = await startOpenai({ PORT: "0", HOST: "127.0.0.1", API_KEY: "key-one" });
});
after(() => openai.close());
beforeEach(() => post(openai.url, "reset"));

const hello = { model: "gpt-4o-mini", messages: [{ role: "user", content: "hello there" }] };

function chat(
  body: unknown,
  headers: Record<string, string> = { authorization: "Bearer key-one" },
): Promise<Response> {
  return fetch(`${openai.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

type Completion = { choices: { message: { content: string } }[]; usage: { total_tokens: number } };
type Failure = { error: { code: string; type: string } };

test("R-306: answers in OpenAI's form", async () => {
  const response = await chat(hello);
  assert.equal(response.status, 200);
  const body = (await response.json()) as Completion;
  assert.equal(body.choices[0]?.message.content, "You said: hello there");
  assert.ok(body.usage.total_tokens > 0);
});

test("R-306: streams chunks to the end mark, with the usage when asked", async () => {
  const response = await chat({ ...hello, stream: true, stream_options: { include_usage: true } });
  assert.match(response.headers.get("content-type") ?? "", /text\/event-stream/);
  const lines = (await response.text()).split("\n\n").filter((line) => line !== "");
  assert.equal(lines.at(-1), "data: [DONE]");
  type Chunk = { choices: { delta: { content?: string } }[]; usage: { total_tokens: number } | null };
  const chunks = lines.slice(0, -1).map((line) => JSON.parse(line.slice("data: ".length)) as Chunk);
  const text = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? "")).join("");
  assert.equal(text, "You said: hello there");
  assert.ok((chunks.at(-1)?.usage?.total_tokens ?? 0) > 0);
});

test("R-306: Azure's form takes the deployment from the path and the key from its header", async () => {
  const ask = (query: string, key: string) =>
    fetch(`${openai.url}/openai/deployments/chat/chat/completions${query}`, {
      method: "POST",
      headers: { "content-type": "application/json", "api-key": key },
      body: JSON.stringify({ messages: hello.messages }),
    });
  const right = await ask("?api-version=2024-10-21", "key-one");
  assert.equal(right.status, 200);
  assert.equal(((await right.json()) as Completion).choices[0]?.message.content, "You said: hello there");
  assert.equal((await ask("", "key-one")).status, 404);
  assert.equal((await ask("?api-version=2024-10-21", "wrong")).status, 401);
});

test("R-306: wrong keys, bodies and models are refused in OpenAI's form", async () => {
  const wrongKey = await chat(hello, { authorization: "Bearer wrong" });
  assert.equal(wrongKey.status, 401);
  assert.equal(((await wrongKey.json()) as Failure).error.code, "invalid_api_key");
  assert.equal((await chat({ model: "gpt-4o-mini" })).status, 400);
  assert.equal((await chat({ ...hello, model: "gpt-0" })).status, 404);
  const calls = await get<{ status: number }[]>(openai.url, "calls");
  assert.deepEqual(
    calls.map(({ status }) => status),
    [401, 400, 404],
  );
});

test("R-306: faults: a status for some requests, latency, a cut connection", async () => {
  await post(openai.url, "faults", { status: 429, times: 2, retryAfter: 3 });
  const first = await chat(hello);
  assert.equal(first.status, 429);
  assert.equal(first.headers.get("retry-after"), "3");
  assert.equal(((await first.json()) as Failure).error.type, "rate_limit_error");
  assert.equal((await chat(hello)).status, 429);
  assert.equal((await chat(hello)).status, 200);
  await post(openai.url, "faults", { latencyMs: 150 });
  const startedAt = Date.now();
  assert.equal((await chat(hello)).status, 200);
  assert.ok(Date.now() - startedAt >= 150);
  await post(openai.url, "faults", { latencyMs: 0, down: true });
  await assert.rejects(chat(hello));
  assert.equal((await fetch(`${openai.url}/health`)).status, 200);
  await post(openai.url, "faults", { down: false, cutStreamAfter: 2 });
  await assert.rejects(chat({ ...hello, stream: true }).then((response) => response.text()));
});

test("a wrong fault is refused with what is known", async () => {
  await assert.rejects(
    post(openai.url, "faults", { stauts: 500 }),
    /unknown fault stauts; known: status, latencyMs/,
  );
});

test("the log keeps no credentials", async () => {
  await fetch(`${openai.url}/v1/models?token=hush`, { headers: { authorization: "Bearer key-one" } });
  const text = JSON.stringify(await get(openai.url, "log"));
  assert.match(text, /v1\/models/);
  assert.doesNotMatch(text, /hush|key-one/);
});
