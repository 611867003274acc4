import assert from "node:assert/strict";
import { test } from "node:test";
import { DailyRuns } from "../src/dailies/daily-runs.ts";
import { DailiesPoller } from "../src/dailies/poller.ts";
import { GuildConfigs } from "../src/guild-config.ts";
import { EntryStore } from "../src/mileage/entry-store.ts";
import { RoleBoard } from "../src/role-board.ts";
import { roleNames } from "../src/settings.ts";
import { anEntry, migratedDatabase } from "./support.ts";

async function setUp(t: Parameters<typeof migratedDatabase>[0]) {
  const { database } = await migratedDatabase(t);
  const configs = new GuildConfigs(database);
  const entries = new EntryStore(database);
  await configs.meet("100", "Harbour");
  const settings = { unit: "km", rateCents: 30, currency: "EUR" } as const;
  const dailies = { dailiesEnabled: true, dailiesHour: 7, dailiesChannelId: "55" };
  await configs.save("100", { ...settings, ...dailies }, 1, "ada");
  const clock = { at: Date.parse("2026-11-20T00:00:00Z") };
  const posts: string[] = [];
  const poller = (post = async (_channel: string, text: string) => `m${posts.push(text)}`) =>
    new DailiesPoller({
      configs,
      entries,
      runs: new DailyRuns(database),
      post,
      board: new RoleBoard(roleNames, roleNames),
      now: () => new Date(clock.at),
    });
  return { clock, posts, poller, entries };
}

test("three days with two restarts: exactly three posts, with the day before in them (R-299)", async (t) => {
  const { clock, posts, poller, entries } = await setUp(t);
  await entries.insert(anEntry("yesterday", { drivenOn: "2026-11-19" }));
  let current = poller();
  for (let quarter = 0; quarter < 3 * 96; quarter += 1) {
    if (quarter === 29 || quarter === 130) current = poller();
    // Two at once, as during an unlucky restart.
    await Promise.all([current.look(), current.look(), poller().look()]);
    clock.at += 15 * 60_000;
  }
  assert.equal(posts.length, 3);
  assert.equal(posts[0], "Mileage of 2026-11-19: 12.5 km in 1 drives (3.75 EUR).");
});

test("a post that failed is tried again after its claim has run out, three times at most (R-299)", async (t) => {
  const { clock, posts, poller } = await setUp(t);
  let tries = 0;
  const failing = poller(async () => {
    tries += 1;
    throw new Error("Discord is away");
  });
  clock.at += 7.5 * 3_600_000;
  for (let minute = 0; minute < 30; minute += 1) {
    await failing.look();
    clock.at += 60_000;
  }
  assert.equal(tries, 3);
  assert.equal(await poller().look(), 0);
  clock.at += 86_400_000;
  assert.equal(await poller().look(), 1);
  assert.equal(posts.length, 1);
});
