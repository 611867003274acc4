import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import {
  type ChatInputCommandInteraction,
  Client,
  Events,
  GatewayIntentBits,
  REST,
  Routes,
} from "discord.js";
import { startDiscord } from "../src/discord/discord.ts";
import { get, post, until } from "./control.ts";

type Session = {
  sessionId: string;
  token: string;
  shard: [number, number];
  resumes: number;
  closeCode: number | null;
  live: boolean;
  overlap: boolean;
  heartbeats: number;
};

const guildId = "100000000000000001";
const channelId = "100000000000000002";
const grace = { id: "200000000000000002", username: "grace" };
const intents = [
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMembers,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.MessageContent,
];

let discord: Awaited<ReturnType<typeof startDiscord>>;
let clients: Client[] = [];

before(async () => {
  discord = await startDiscord({ PORT: "0", HOST: "127.0.0.1", DISCORD_TOKEN: "secret-one,secret-two" });
});
after(() => discord.close());
beforeEach(() => post(discord.url, "reset"));
afterEach(async () => {
  await Promise.all(clients.map((client) => client.destroy()));
  clients = [];
});

/** discord.js as a bot uses it; only the base URL differs. */
async function bot(
  token = "secret-one",
  options: { shards?: number[]; shardCount?: number } = {},
): Promise<Client<true>> {
  const client = new Client({ intents, rest: { api: `${discord.url}/api`, retries: 0 }, ...options });
  clients.push(client);
  client.on(Events.Error, (error) => process.stderr.write(`${error}\n`));
  const ready = new Promise<Client<true>>((resolve) => client.once(Events.ClientReady, resolve));
  await client.login(token);
  return ready;
}

const rest = () => new REST({ api: `${discord.url}/api`, version: "10" }).setToken("secret-one");
const say = (content: string) =>
  post<{ id: string }>(discord.url, "messages", { guildId, channelId, author: grace, content });
const sessions = () => get<Session[]>(discord.url, "sessions");
const sent = () => get<{ content: string; channelId: string }[]>(discord.url, "sent");

test("R-003: discord.js logs in, hears a message and answers it", async () => {
  const client = await bot();
  assert.equal(client.user.id, "900000000000000001");
  assert.equal(client.guilds.cache.get(guildId)?.name, "Harbour");
  client.on(Events.MessageCreate, async (message) => {
    if (message.content === "!ping") await message.reply("pong");
  });
  await say("!ping");
  const [answer] = await until("the answer", async () => (await sent()).length > 0 && (await sent()));
  assert.equal(answer?.content, "pong");
  assert.equal(answer?.channelId, channelId);
});

test("R-003: a new member and a new guild reach the bot", async () => {
  const client = await bot();
  const joined: string[] = [];
  client.on(Events.GuildMemberAdd, (member) => joined.push(`${member.guild.name}/${member.user.username}`));
  await post(discord.url, "guilds", { id: "100000000000000900", name: "Quay" });
  await post(discord.url, "members", {
    guildId: "100000000000000900",
    user: { id: "201", username: "joan" },
  });
  await until("the member", () => joined.length > 0);
  assert.deepEqual(joined, ["Quay/joan"]);
});

test("R-260: commands are registered as a set, and registering again keeps their ids", async () => {
  const commands = [{ name: "miles", description: "Adds miles" }];
  const path = Routes.applicationCommands("900000000000000001");
  await rest().put(path, { body: commands });
  const first = await get<{ global: { id: string; name: string }[]; writes: number }>(
    discord.url,
    "commands",
  );
  await rest().put(path, { body: commands });
  const second = await get<typeof first>(discord.url, "commands");
  assert.deepEqual(
    second.global.map(({ id, name }) => [id, name]),
    first.global.map(({ id, name }) => [id, name]),
  );
  assert.equal(second.writes, 2);
  await assert.rejects(rest().put(path, { body: [{ name: "No Spaces", description: "x" }] }), {
    status: 400,
  });
});

test("R-003: a slash command reaches the bot with its options, is deferred, edited and followed up", async () => {
  const client = await bot();
  await client.application.commands.set([
    {
      name: "miles",
      description: "Adds miles",
      options: [
        { type: 4, name: "count", description: "How many", required: true },
        { type: 6, name: "who", description: "To whom" },
      ],
    },
  ]);
  client.on(Events.InteractionCreate, async (interaction) => {
    const command = interaction as ChatInputCommandInteraction;
    await command.deferReply();
    const who = command.options.getUser("who")?.username;
    await command.editReply(`${who} has ${command.options.getInteger("count", true) * 2}`);
    await command.followUp({ content: "noted", flags: 64 });
  });
  const options = { count: 21, who: grace.id };
  await post(discord.url, "interactions", { guildId, channelId, user: grace, command: "miles", options });
  type Reply = { command: string; type: number; content: string; followUps: { content: string }[] };
  const reply = await until("the follow-up", async () => {
    const [first] = await get<Reply[]>(discord.url, "replies");
    return first && first.followUps.length > 0 && first;
  });
  assert.equal(reply.command, "miles");
  assert.equal(reply.type, 5);
  assert.equal(reply.content, "grace has 42");
  assert.deepEqual(
    reply.followUps.map(({ content }) => content),
    ["noted"],
  );
});

test("R-301: after a resumable close nothing is lost: RESUME replays what was missed", async () => {
  const client = await bot();
  const heard: string[] = [];
  client.on(Events.MessageCreate, (message) => heard.push(message.content));
  await say("before");
  await until("the first message", () => heard.length === 1);
  await post(discord.url, "close", { code: 4000 });
  for (const text of ["during 1", "during 2", "during 3"]) await say(text);
  await until("the missed messages", () => heard.length === 4);
  await say("after");
  await until("the last message", () => heard.length === 5);
  assert.deepEqual(heard, ["before", "during 1", "during 2", "during 3", "after"]);
  const [session, ...others] = await sessions();
  assert.deepEqual(others, []);
  assert.equal(session?.resumes, 1);
  assert.equal(session?.overlap, false);
});

test("R-301: a session that was declared invalid is identified anew", async () => {
  const client = await bot();
  await post(discord.url, "invalidate", { resumable: false });
  const both = await until(
    "a second session",
    async () => (await sessions()).length === 2 && (await sessions()),
  );
  await until(
    "one session being live",
    async () => (await sessions()).filter(({ live }) => live).length === 1,
  );
  assert.deepEqual(
    both.map(({ overlap }) => overlap),
    [false, false],
  );
  assert.ok(client.ws);
});

test("R-301: discord.js waits for as long as a 429 says", async () => {
  await post(discord.url, "faults", { rateLimit: { times: 1, retryAfter: 0.4 } });
  const startedAt = Date.now();
  const message = (await rest().post(Routes.channelMessages(channelId), { body: { content: "hello" } })) as {
    id: string;
  };
  assert.ok(message.id);
  assert.ok(Date.now() - startedAt >= 400);
  const log = await get<{ path: string; status: number }[]>(discord.url, "log");
  assert.deepEqual(
    log.map(({ status }) => status),
    [429, 200],
  );
});

test("R-301: the sixth message within five seconds is refused, with the time to wait", async () => {
  const send = () =>
    fetch(`${discord.url}/api/v10/channels/${channelId}/messages`, {
      method: "POST",
      headers: { authorization: "Bot secret-one", "content-type": "application/json" },
      body: JSON.stringify({ content: "again" }),
    });
  for (const remaining of ["4", "3", "2", "1", "0"])
    assert.equal((await send()).headers.get("x-ratelimit-remaining"), remaining);
  const refused = await send();
  assert.equal(refused.status, 429);
  const body = (await refused.json()) as { retry_after: number };
  assert.ok(body.retry_after > 0 && body.retry_after <= 5);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
});

test("R-298: a wrong token is told by REST and by close code 4004", async () => {
  const answer = await fetch(`${discord.url}/api/v10/users/@me`, { headers: { authorization: "Bot wrong" } });
  assert.equal(answer.status, 401);
  assert.deepEqual(await answer.json(), { message: "401: Unauthorized", code: 0 });
  assert.equal((await identify({ token: "wrong", intents: 0 })).code, 4004);
  assert.equal((await identify({ token: "secret-one", intents: 1 << 30 })).code, 4013);
  assert.equal((await identify({ token: "secret-one", intents: 0, shard: [3, 2] })).code, 4010);
});

test("R-090: two live sessions of one token and shard are told as an overlap", async () => {
  await bot("secret-one");
  await bot("secret-two");
  assert.deepEqual(
    (await sessions()).map(({ overlap }) => overlap),
    [false, false],
  );
  await bot("secret-one");
  const byToken = (await sessions()).map(({ token, overlap }) => [token, overlap]);
  assert.deepEqual(byToken, [
    ["-one", true],
    ["-two", false],
    ["-one", true],
  ]);
});

test("R-090: a bot that takes over after the former has closed is no overlap", async () => {
  const former = await bot();
  await former.destroy();
  await bot();
  const all = await sessions();
  assert.deepEqual(
    all.map(({ overlap, live }) => [overlap, live]),
    [
      [false, false],
      [false, true],
    ],
  );
});

test("R-233: each guild is heard by one shard only", async () => {
  const guilds = [0n, 1n, 2n].map((shard) => ({
    id: String((3n * 7n + shard) << 22n),
    shard: Number(shard),
  }));
  const heard: { shard: number; guild: string }[] = [];
  for (const shard of [0, 1, 2]) {
    const client = await bot("secret-one", { shards: [shard], shardCount: 3 });
    client.on(Events.GuildCreate, (guild) => heard.push({ shard, guild: guild.id }));
  }
  for (const { id } of guilds) await post(discord.url, "guilds", { id, name: `Guild ${id}` });
  await until("three guilds", () => heard.length === 3);
  assert.deepEqual(
    heard,
    guilds.map(({ id, shard }) => ({ shard, guild: id })),
  );
  assert.deepEqual(
    (await sessions()).map(({ shard, overlap }) => [shard, overlap]),
    [
      [[0, 3], false],
      [[1, 3], false],
      [[2, 3], false],
    ],
  );
});

test("R-301: a gateway that stops answering heartbeats is noticed by discord.js, which resumes", async () => {
  const quick = await startDiscord({ PORT: "0", HOST: "127.0.0.1", HEARTBEAT_INTERVAL_MS: "200" });
  const client = new Client({ intents, rest: { api: `${quick.url}/api` } });
  clients.push(client);
  client.on(Events.Error, (error) => process.stderr.write(`${error}\n`));
  const ready = new Promise((resolve) => client.once(Events.ClientReady, resolve));
  await client.login("stand-in-token");
  await ready;
  const all = () => get<Session[]>(quick.url, "sessions");
  await until("a heartbeat", async () => (await all()).some(({ heartbeats }) => heartbeats > 0));
  await post(quick.url, "faults", { ackHeartbeats: false });
  await until("the zombie being left", async () => (await all()).some(({ resumes }) => resumes > 0));
  await client.destroy();
  await quick.close();
});

test("R-301: a client without heartbeats is closed with 4009", async () => {
  const quick = await startDiscord({ PORT: "0", HOST: "127.0.0.1", HEARTBEAT_INTERVAL_MS: "100" });
  const socket = new WebSocket(`${quick.url.replace("http", "ws")}/gateway?v=10&encoding=json`);
  const { promise, resolve } = Promise.withResolvers<CloseEvent>();
  socket.onclose = resolve;
  assert.equal((await promise).code, 4009);
  await quick.close();
});

/** A bare client: what the close code is after IDENTIFY. */
async function identify(data: unknown): Promise<CloseEvent> {
  const socket = new WebSocket(`${discord.url.replace("http", "ws")}/gateway?v=10&encoding=json`);
  socket.onmessage = () => socket.send(JSON.stringify({ op: 2, d: data }));
  const { promise, resolve } = Promise.withResolvers<CloseEvent>();
  socket.onclose = resolve;
  return promise;
}
