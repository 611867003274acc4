import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { handleGuildCreate } from "../src/events/guild-create.ts";
import { handleMessage, messageSteps } from "../src/events/handle-message.ts";
import { handleMemberAdd } from "../src/events/member-add.ts";
import type { IncomingMessage } from "../src/models/incoming.ts";
import { freshDatabase, recordingOutbox, skip } from "./database-support.ts";

const guild = { guildId: "100", guildName: "Harbour" };
const message = (over: Partial<IncomingMessage>): IncomingMessage => ({
  messageId: "1",
  guildId: "100",
  channelId: "101",
  authorId: "7",
  authorName: "ada",
  content: "hello",
  mayConfigure: true,
  ...over,
});

describe("events", { skip }, () => {
  it("keeps one row of a guild that is created twice, with its newest name (R-316)", async () => {
    await using fixture = await freshDatabase();
    await handleGuildCreate(guild, fixture.database);
    await handleGuildCreate({ ...guild, guildName: "Haven" }, fixture.database);
    const { rows } = await fixture.pool.query("SELECT guild_id, guild_name FROM guild_config");
    assert.deepEqual(rows, [{ guild_id: "100", guild_name: "Haven" }]);
  });

  it("answers a command in its channel and only notes other messages, by three kinds of queries (R-317, R-272)", async () => {
    await using fixture = await freshDatabase();
    const outbox = recordingOutbox();
    const steps: unknown[] = [];
    const context = {
      database: fixture.database,
      outbox,
      version: "3",
      log: (_level: string, _message: string, fields?: Record<string, unknown>) =>
        steps.push(fields?.["step"]),
    };
    await handleGuildCreate(guild, fixture.database);
    fixture.queries.length = 0;
    await handleMessage(message({}), context);
    assert.equal(outbox.sent.length, 0);
    assert.deepEqual(fixture.queries, ["guildConfig", "storeMessageInfo", "countUserMessage"]);
    steps.length = 0;
    await handleMessage(message({ messageId: "2", content: "!ping" }), context);
    assert.deepEqual(outbox.sent, [{ channelId: "101", text: "pong (version 3)", nonce: "answer-2" }]);
    assert.deepEqual(steps, [...messageSteps]);
    assert.equal(await fixture.count("message_info"), 2);
    await handleMessage(message({ messageId: "3", content: "!stats" }), context);
    assert.equal(outbox.sent.at(-1)?.text, "ada: 3 messages");
    await handleMessage(message({ messageId: "4", content: "!constructor" }), context);
    assert.equal(outbox.sent.length, 2);
  });

  it("does not answer a message twice that the gateway delivers twice (R-301)", async () => {
    await using fixture = await freshDatabase();
    const outbox = recordingOutbox();
    const context = { database: fixture.database, outbox, version: "1", log: () => undefined };
    for (let time = 0; time < 2; time += 1) await handleMessage(message({ content: "!ping" }), context);
    assert.equal(outbox.sent.length, 1);
  });

  it("greets a new member in the welcome channel, and nowhere when none is set (R-317)", async () => {
    await using fixture = await freshDatabase();
    const outbox = recordingOutbox();
    const context = { database: fixture.database, outbox, version: "1", log: () => undefined };
    await handleGuildCreate(guild, fixture.database);
    await handleMemberAdd({ guildId: "100", userId: "9" }, context);
    assert.equal(outbox.sent.length, 0);
    await handleMessage(message({ content: "!welcome <#555>" }), context);
    assert.equal(outbox.sent.pop()?.text, "welcome messages go to <#555>");
    await handleMemberAdd({ guildId: "100", userId: "9" }, context);
    assert.deepEqual(outbox.sent, [{ channelId: "555", text: "Welcome to Harbour, <@9>!" }]);
  });

  it("lets only those configure who may manage the server", async () => {
    await using fixture = await freshDatabase();
    const outbox = recordingOutbox();
    const context = { database: fixture.database, outbox, version: "1", log: () => undefined };
    await handleGuildCreate(guild, fixture.database);
    await handleMessage(message({ content: "!daily <#5>", mayConfigure: false }), context);
    assert.match(outbox.sent[0]?.text ?? "", /permission/);
    await handleMessage(message({ messageId: "2", content: "!config" }), context);
    assert.equal(outbox.sent[1]?.text, "welcome: off, daily: off");
  });

  it("has its steps in the README's sequence diagram, in order (R-272)", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const places = messageSteps.map((step) => readme.indexOf(`: ${step}`));
    assert.ok(places.every((at) => at > 0));
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    );
  });
});
