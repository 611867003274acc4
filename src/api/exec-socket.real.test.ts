import { afterEach, describe, expect, it } from "vitest";
import type { ExecIo } from "../runtime/port.ts";
import { ApiWorld } from "./api-support.ts";
import { createToken } from "./auth/token.ts";
import { exec } from "./contract/exec-client.ts";

const worlds: ApiWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.server.close();
});

describe("exec", () => {
  it("refuses who is nobody, who may too little, and another project's administrator (R-224)", async () => {
    const api = new ApiWorld();
    worlds.push(api);
    const baseUrl = await api.server.listen({ host: "127.0.0.1", port: 0 });
    await api.deploy();
    const parts = api.world.parts();
    const open = (token: string | undefined) =>
      exec(
        { baseUrl, ...(token === undefined ? {} : { token }) },
        {
          params: { stack: "shop", environment: "production" },
          request: { service: "web", argv: ["id"] },
          onStdout: () => undefined,
          onStderr: () => undefined,
          signal: AbortSignal.timeout(10_000),
        },
      );
    const developer = createToken("a", parts, { grants: [{ role: "developer" }] }).secret;
    const stranger = createToken("b", parts, { grants: [{ role: "admin", stack: "other" }] }).secret;
    const elsewhere = { role: "admin", stack: "shop", environment: "staging" } as const;
    const staging = createToken("c", parts, { grants: [elsewhere] }).secret;
    await expect(open(undefined)).rejects.toMatchObject({ status: 401 });
    await expect(open(developer)).rejects.toMatchObject({ status: 403, code: "API_FORBIDDEN" });
    await expect(open(stranger)).rejects.toMatchObject({ status: 404, code: "API_NOT_FOUND" });
    await expect(open(staging)).rejects.toMatchObject({ status: 404, code: "API_NOT_FOUND" });
    expect(api.world.store.audit.list(10).filter(({ action }) => action === "exec")).toEqual([]);
  });

  it("ends soon after its token was revoked", async () => {
    const api = new ApiWorld();
    worlds.push(api);
    const baseUrl = await api.server.listen({ host: "127.0.0.1", port: 0 });
    await api.deploy();
    const { id, secret } = createToken("soon gone", api.world.parts());
    const begun = Promise.withResolvers<void>();
    api.world.runtime.exec = async (_id, _argv, _io, signal) => {
      begun.resolve();
      await new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
      return 0;
    };
    const session = exec(
      { baseUrl, token: secret },
      {
        params: { stack: "shop", environment: "production" },
        request: { service: "web", argv: ["sh"] },
        onStdout: () => undefined,
        onStderr: () => undefined,
        signal: AbortSignal.timeout(10_000),
      },
    );
    const ended = expect(session).rejects.toMatchObject({ code: "API_TOKEN_INVALID" });
    await begun.promise;
    api.world.store.tokens.remove(id);
    api.world.clock.advance(30_000);
    await ended;
  });

  it("loses no input that comes right behind the request", async () => {
    const api = new ApiWorld();
    worlds.push(api);
    const baseUrl = await api.server.listen({ host: "127.0.0.1", port: 0 });
    await api.deploy();
    api.world.runtime.exec = async (_id, _argv, io: ExecIo) => {
      for await (const chunk of io.stdin ?? []) await io.onStdout(chunk);
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
