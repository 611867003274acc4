import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../lib/manual-clock.ts";
import { providerConformance } from "../conformance.ts";
import { VaultStandIn } from "../vault-support.ts";
import { VaultSecrets, type VaultSettings } from "./vault.ts";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const signal = new AbortController().signal;

async function start(login: "token" | "approle" = "token") {
  const vault = new VaultStandIn();
  const address = await vault.start();
  const folder = mkdtempSync(join(tmpdir(), "roadstead-vault-"));
  cleanUps.push(async () => {
    await vault.stop();
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, "credential");
  writeFileSync(file, login === "token" ? "root-token\n" : "s3cret-id\n", { mode: 0o600 });
  const settings: VaultSettings = {
    address,
    timeoutMs: 2000,
    login: login === "token" ? { tokenFile: file } : { roleId: "shop", secretIdFile: file, mount: "approle" },
  };
  const clock = new ManualClock();
  return { vault, file, clock, provider: new VaultSecrets(settings, clock) };
}

providerConformance("vault", async () => {
  const { vault, provider } = await start();
  return {
    provider,
    plant: async (value) => {
      vault.values.set("/v1/kv/data/shop/production", { "the key": value });
      return "kv/shop/production#the key";
    },
    unknown: "kv/nowhere#key",
    takeDown: () => vault.stop(),
  };
});

describe("Vault over HTTP (R-102)", () => {
  it("logs in with AppRole once, again when the lease ends, and again when the token was revoked", async () => {
    const { vault, provider, clock } = await start("approle");
    vault.values.set("/v1/kv/data/shop", { key: "value" });
    const logins = () => vault.requests.filter((request) => request.endsWith("/login")).length;
    await provider.read("kv/shop#key", signal);
    await provider.read("kv/shop#key", signal);
    expect(logins()).toBe(1);
    clock.advance(55_000);
    await provider.read("kv/shop#key", signal);
    expect(logins()).toBe(2);
    vault.tokens.clear();
    expect(await provider.read("kv/shop#key", signal)).toBe("value");
    expect(logins()).toBe(3);
  });

  it.each([
    [503, "SECRETS_UNAVAILABLE"],
    [500, "SECRETS_UNAVAILABLE"],
    [429, "SECRETS_UNAVAILABLE"],
    [403, "SECRETS_DENIED"],
    [404, "SECRET_UNKNOWN"],
  ])("an answer of %i is %s", async (status, code) => {
    const { vault, provider } = await start();
    vault.status = status;
    await expect(provider.read("kv/shop#key", signal)).rejects.toMatchObject({ code });
  });

  it("keeps a wrong credential out of the error (R-107)", async () => {
    const { file, provider } = await start("approle");
    writeFileSync(file, "wrong-secret-id");
    const error = await provider.check(signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "SECRETS_DENIED" });
    expect(String(error)).not.toContain("wrong-secret-id");
  });

  it.each(["kv#key", "kv/a", "kv/../sys#key", "/x#key", "kv/a//b#key"])(
    "refuses the address %s before it asks anybody",
    async (address) => {
      const { vault, provider } = await start();
      await expect(provider.read(address, signal)).rejects.toMatchObject({
        code: "SECRET_REFERENCE_INVALID",
      });
      expect(vault.requests).toEqual([]);
    },
  );

  it("gives up on a server that takes the request and does not answer", async () => {
    const { file } = await start();
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    cleanUps.push(async () => {
      silent.closeAllConnections();
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    const slow = new VaultSecrets(
      { address: `http://127.0.0.1:${port}`, timeoutMs: 200, login: { tokenFile: file } },
      new ManualClock(),
    );
    await expect(slow.read("kv/shop#key", signal)).rejects.toMatchObject({
      code: "SECRETS_UNAVAILABLE",
      message: `Vault at 127.0.0.1:${port} does not answer`,
    });
  });

  it("names a credential file that is not there", async () => {
    const { file, provider } = await start();
    rmSync(file);
    await expect(provider.read("kv/shop#key", signal)).rejects.toMatchObject({
      code: "SECRETS_NOT_CONFIGURED",
    });
  });
});
