import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareManifests } from "../../policy/backup-verdict.ts";
import { engineProblem } from "../../runtime/drivers/docker/docker-support.ts";
import {
  type DatabaseService,
  DatabaseStage,
  dumped,
  pieces,
  probeTiming,
  signal,
} from "../../vault/database-stage-support.ts";
import { answerOf, bytesOf, type DatabasePlace } from "./database-place.ts";
import { RedisSource } from "./redis.ts";

const source = new RedisSource();
const password = "open sesame";

function service(...options: string[]): DatabaseService {
  return {
    compose: { image: "redis:7", command: ["redis-server", "--requirepass", password, ...options] },
    environment: {},
    port: 6379,
    probe: { kind: "tcp", port: 6379, ...probeTiming },
    dataFolder: "/data",
  };
}

/** Commands, a line each, as a person would pipe them in. */
function redis(place: DatabasePlace, commands: string): Promise<string> {
  const { address } = place;
  const where = address ? ["-h", address.host, "-p", String(address.port)] : [];
  const env = { REDISCLI_AUTH: password };
  return answerOf(
    place,
    ["redis-cli", ...where, "--no-auth-warning"],
    { env, stdin: bytesOf(commands) },
    signal,
  );
}

/** One value of every kind, small and large, so that every way of storing them is met. */
const seed = [
  ...["SET greeting hello", "SET number 12345", "SET negative -7", `SET long ${"x".repeat(50_000)}`],
  ...["SET soon gone EX 1", "SET later gone EX 100000", "RPUSH short a b c", "SADD ints 1 2 3 70000"],
  ...["SADD words a b", "ZADD board 1.5 ann 2 bob", "HSET user name ann age 7", "SETBIT bits 100 1"],
  ...["PFADD seen a b c", "GEOADD places 13.36 38.11 palermo", "XADD log * a 1", "XADD log * b 2"],
  ...["XGROUP CREATE log readers 0", "XREADGROUP GROUP readers me COUNT 1 STREAMS log >"],
  `EVAL "for i=1,3000 do redis.call('RPUSH','list',i..string.rep('z',20)) redis.call('SADD','set','m'..i) redis.call('ZADD','zset',i/3,'m'..i) redis.call('HSET','hash','f'..i,string.rep('v',100)) redis.call('SET','key:'..i,i) end" 0`,
  ...["SELECT 5", "SET in-five yes", "SET five-soon gone PX 200000", "SELECT 0", ""],
].join("\n");

export function redisConformance(name: string, runtime: "docker" | "process", ...options: string[]): void {
  describe(`Redis source, ${name}`, () => {
    let stage: DatabaseStage;
    beforeAll(async () => {
      stage = await DatabaseStage.open(runtime, service(...options));
      const answers = await redis(stage.place, seed);
      expect(answers).not.toMatch(/^(ERR|\(error\))/m);
    });
    afterAll(() => stage?.close());

    it("R-140: a restored copy holds exactly the keys of the dump, in every database", async () => {
      const { content, manifest } = await dumped(source, stage.place);
      expect(manifest).toMatchObject({ engine: "redis 7.0.15", sizeBytes: content.byteLength });
      expect(manifest.parts).toEqual([
        { name: "db0", rows: 3000 + 17 },
        { name: "db5", rows: 1 },
      ]);
      await stage.throwAway(async (place) => {
        await source.restore(pieces(content), place, signal);
        expect(compareManifests(manifest, await source.inspect(place, signal))).toEqual([]);
        const asked = await redis(place, "GET greeting\nSTRLEN long\nLLEN list\nXLEN log\nGET later\n");
        expect(asked.trim().split("\n")).toEqual(["hello", "50000", "3000", "2", "gone"]);
        const checks = await source.check(place, ["SCARD set", "EXISTS nobody"], signal);
        expect(checks.map(({ ok }) => ok)).toEqual([true, false]);
      });
      expect(await stage.environments()).toEqual(["production"]);
    });

    it("R-138: the manifest is of the very moment of the dump, whatever is written meanwhile", async () => {
      const writing = new AbortController();
      const writer = (async () => {
        for (let round = 0; !writing.signal.aborted; round += 1)
          await redis(
            stage.place,
            Array.from({ length: 500 }, (_, n) => `SET during:${round}:${n} ${n}`).join("\n"),
          );
      })();
      const { content, manifest } = await dumped(source, stage.place);
      writing.abort();
      await writer;
      await stage.throwAway(async (place) => {
        await source.restore(pieces(content), place, signal);
        expect(compareManifests(manifest, await source.inspect(place, signal))).toEqual([]);
      });
    });

    it("R-143: a stream that was cut or changed is refused, and so is a place with keys", async () => {
      const { content } = await dumped(source, stage.place);
      const flipped = Buffer.from(content);
      flipped.write("HELLO", content.indexOf("hello"));
      for (const broken of [content.subarray(0, Math.floor(content.byteLength * 0.6)), flipped])
        await expect(
          stage.throwAway((place) => source.restore(pieces(broken), place, signal)),
        ).rejects.toThrow();
      await expect(source.restore(pieces(content), stage.place, signal)).rejects.toThrow(
        /already holds keys/,
      );
    });
  });
}

if (existsSync("/usr/bin/redis-server") && existsSync("/usr/bin/redis-cli"))
  redisConformance("as a process", "process");
else if (process.env["CI"] === "true") throw new Error("redis-server and redis-tools are not installed here");
else it.skip("Redis as a process (skipped: redis-server or redis-tools is not installed)", () => undefined);

const problem = await engineProblem();
if (problem === undefined) {
  redisConformance("in a container", "docker");
  redisConformance("in a container with an append-only file", "docker", "--appendonly", "yes");
} else it.skip(`Redis in containers (skipped: ${problem})`, () => undefined);
