import { afterEach, describe, expect, it } from "vitest";
import type { ExecIo } from "../runtime/port.ts";
import { ApiWorld } from "./api-support.ts";
import { exec } from "./contract/exec-client.ts";

const worlds: ApiWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.server.close();
});

describe("exec", () => {
  it("loses no input that comes right behind the request", async () => {
    const api = new ApiWorld();
    worlds.push(api);
    const baseUrl = await api.server.listen({ host: "127.0.0.1", port: 0 });
    await api.deploy();
    api.world.runtime.exec = async (_id, _argv, io: ExecIo) => {
      for await (const chunk of io.stdin ?? []) io.onStdout(chunk);
      return 0;
    };
    for (let round = 0; round < 30; round += 1) {
      let echoed = "";
      const code = await exec(
        { baseUrl, token: api.token },
        {
          params: { stack: "shop", environment: "production" },
          request: { service: "web", argv: ["cat"] },
          stdin: (async function* () {
            yield Buffer.from(`line ${round}`);
          })(),
          onStdout: (chunk) => {
            echoed += Buffer.from(chunk).toString();
          },
          onStderr: () => undefined,
          signal: AbortSignal.timeout(10_000),
        },
      );
      expect([code, echoed]).toEqual([0, `line ${round}`]);
    }
  });
});
