import { describe, expect, it } from "vitest";
import { OptionReader } from "./option-reader.ts";
import { sourceChanges } from "./source-changes.ts";

const known = {
  name: "shop",
  branches: { main: "production" },
  composeFiles: [],
  status: {
    forge: "gitea" as const,
    apiUrl: "https://git.test",
    repository: "acme/shop",
    secretName: "status-token",
  },
  previews: { ttlHours: 24, quota: 3, forks: "refused" as const },
};
const changes = (options: Record<string, unknown>, before?: typeof known) =>
  sourceChanges(new OptionReader(options), before);

describe("what the options of `source` change", () => {
  it("is nothing without options", () => {
    expect(changes({}, known)).toEqual({});
  });

  it.each([
    [
      "previews with their defaults",
      { previews: "on" },
      undefined,
      { ttlHours: 72, quota: 5, forks: "refused" },
    ],
    ["a time alone", { previewTtl: "3d" }, known, { ttlHours: 72, quota: 3, forks: "refused" }],
    ["a quota alone", { previewQuota: "9" }, known, { ttlHours: 24, quota: 9, forks: "refused" }],
    [
      "forks",
      { previewForks: "without-secrets" },
      known,
      { ttlHours: 24, quota: 3, forks: "withoutSecrets" },
    ],
    ["previews off", { previews: "off" }, known, null],
  ])("%s", (_what, options, before, previews) => {
    expect(changes(options, before)).toEqual({ previews });
  });

  it("keeps the address of the same forge, not of another", () => {
    expect(changes({ status: "gitea:acme/tea" }, known).status).toMatchObject({
      repository: "acme/tea",
      apiUrl: "https://git.test",
    });
    expect(changes({ status: "github:acme/tea" }, known).status).not.toHaveProperty("apiUrl");
    expect(changes({ statusApi: "https://new.test" }, known).status).toMatchObject({
      forge: "gitea",
      repository: "acme/shop",
      apiUrl: "https://new.test",
    });
  });

  it.each([
    [{ status: "acme/shop" }, "is not FORGE:OWNER/NAME"],
    [{ statusApi: "https://git.test" }, "which repository"],
    [{ previewTtl: "1h" }, "previews of this source are off"],
    [{ previews: "on", previewTtl: "soon" }, "is not a duration"],
    [{ previews: "on", previewQuota: "0" }, "is not a number of previews"],
    [{ branch: ["main"] }, "names no environment"],
  ])("refuses %j", (options, message) => {
    expect(() => changes(options)).toThrow(message);
  });
});
