import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isOfShard } from "../src/api/shard-of.ts";
import type { Clock } from "../src/clock.ts";
import { runDailyTasks } from "../src/tasks/daily.ts";
import { everyDay } from "../src/tasks/schedule.ts";
import { freshDatabase, recordingOutbox, skip } from "./database-support.ts";

const nine = { hour: 9, minute: 0 };
const log = () => undefined;

/** Sleeping moves the time on; at `end` it aborts. */
function virtualClock(start: string, end: string): { clock: Clock; signal: AbortSignal } {
  let now = Date.parse(start);
  const controller = new AbortController();
  const clock: Clock = {
    now: () => new Date(now),
    sleep: async (ms) => {
      now += ms;
      if (now >= Date.parse(end)) controller.abort();
    },
  };
  return { clock, signal: controller.signal };
}

async function threeGuilds(fixture: Awaited<ReturnType<typeof freshDatabase>>): Promise<void> {
  for (const [id, channel] of [
    ["1", "11"],
    ["2", null],
    ["3", "33"],
  ] as const) {
    await fixture.database.run("saveGuild", id, `guild ${id}`);
    await fixture.database.run("setDailyChannel", id, channel);
  }
}

describe("daily tasks", { skip }, () => {
  it("posts once for each guild with a channel and each day: 3 guilds, 2 days, 4 posts (R-318)", async () => {
    await using fixture = await freshDatabase();
    await threeGuilds(fixture);
    const outbox = recordingOutbox();
    const { clock, signal } = virtualClock("2026-03-01T07:00:00Z", "2026-03-02T23:00:00Z");
    const context = { database: fixture.database, outbox, log, isOurs: () => true };
    await everyDay(nine, (now) => runDailyTasks(now, context), { clock, log, signal });
    assert.deepEqual(
      outbox.sent.map(({ channelId, text }) => `${channelId} ${text.slice(-11)}`),
      ["11 2026-03-01.", "33 2026-03-01.", "11 2026-03-02.", "33 2026-03-02."],
    );
    assert.ok(outbox.sent.every(({ nonce }) => nonce && nonce.length <= 25));
  });

  it("neither repeats nor forgets a day over restarts, nor with two processes at once (R-318)", async () => {
    await using fixture = await freshDatabase();
    await threeGuilds(fixture);
    const outbox = recordingOutbox();
    const context = { database: fixture.database, outbox, log, isOurs: () => true };
    for (const start of ["2026-03-01T09:00:00Z", "2026-03-01T12:00:00Z"]) {
      const run = () => {
        const { clock, signal } = virtualClock(start, start.replace(/T\d\d/, "T23"));
        return everyDay(nine, (now) => runDailyTasks(now, context), { clock, log, signal });
      };
      await Promise.all([run(), run()]);
    }
    assert.equal(outbox.sent.length, 2);
  });

  it("gives a day back when Discord refused, and takes it over from a process that died", async () => {
    await using fixture = await freshDatabase();
    await fixture.database.run("saveGuild", "1", "guild 1");
    await fixture.database.run("setDailyChannel", "1", "11");
    const outbox = recordingOutbox();
    const context = { database: fixture.database, outbox, log, isOurs: () => true };
    const refusing = { send: () => Promise.reject(new Error("403")) };
    const at = (time: string) => new Date(`2026-03-01T${time}Z`);
    assert.equal(await runDailyTasks(at("09:00:00"), { ...context, outbox: refusing }), 0);
    assert.equal(await fixture.count("daily_post"), 0);
    await fixture.database.run("claimDailyPost", "1", "2026-03-01", at("09:01:00"));
    assert.equal(await runDailyTasks(at("09:02:00"), context), 0);
    assert.equal(await runDailyTasks(at("09:07:00"), context), 1);
    assert.equal(await runDailyTasks(at("09:20:00"), context), 0);
  });
});

describe("shards", () => {
  it("give each guild to exactly one of three (R-233)", () => {
    for (let guild = 0n; guild < 30n; guild += 1n) {
      const id = String((guild << 22n) + 12345n);
      const owners = [0, 1, 2].filter((shard) => isOfShard(id, { id: shard, count: 3 }));
      assert.deepEqual(owners, [Number(guild % 3n)]);
    }
    assert.equal(isOfShard("1", undefined), true);
  });
});
