import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { providerConformance } from "../conformance.ts";
import { CommandSecrets, type SecretCommand } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "roadstead-command-"));
afterAll(() => rmSync(folder, { recursive: true }));
const signal = new AbortController().signal;

function commandOf(...argv: [string, ...string[]]): SecretCommand {
  return { argv, timeoutMs: 5000 };
}

providerConformance("command", async () => {
  const file = join(folder, "value");
  const settings = { shop: commandOf("/bin/cat", file) };
  return {
    provider: new CommandSecrets(settings),
    plant: async (value) => {
      writeFileSync(file, `${value}\n`);
      return "shop";
    },
    unknown: "other",
    takeDown: async () => rmSync(file),
  };
});

describe("secrets that a program prints (R-102)", () => {
  it("gives up on a program that does not end, also when it left a child behind", async () => {
    const slow = { argv: ["/bin/sh", "-c", "sleep 30"], timeoutMs: 300 } as const;
    const began = Date.now();
    await expect(new CommandSecrets({ slow }).read("slow", signal)).rejects.toMatchObject({
      code: "SECRETS_UNAVAILABLE",
      message: "command:slow did not end within 0.3 s",
    });
    expect(Date.now() - began).toBeLessThan(5000);
  });

  it("shows nothing of what a failing program printed, and gives it no credentials of ours", async () => {
    process.env["ROADSTEAD_TOKEN"] = "road_our-own";
    const provider = new CommandSecrets({
      bad: commandOf("/bin/sh", "-c", "echo half-a-secret; echo why >&2; exit 3"),
      env: commandOf("/usr/bin/env"),
      gone: commandOf("/nonexistent/program"),
    });
    const error = await provider.read("bad", signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "SECRETS_UNAVAILABLE",
      message: "command:bad ended with exit code 3",
    });
    expect(await provider.read("env", signal)).not.toContain("road_our-own");
    delete process.env["ROADSTEAD_TOKEN"];
    await expect(provider.read("gone", signal)).rejects.toMatchObject({ code: "SECRETS_UNAVAILABLE" });
    await expect(provider.read("toString", signal)).rejects.toMatchObject({ code: "SECRET_UNKNOWN" });
  });
});
