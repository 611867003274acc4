import { describe, expect, it } from "vitest";
import { neededDigests } from "./image-retention.ts";
import { type PushedTag, retainPushes, sortTags } from "./image-tags.ts";

describe("which tags never move (R-052)", () => {
  it.each([
    [undefined, [], [], []],
    ["latest", [], [], ["latest"]],
    ["1.4.2", ["latest"], ["1.4.2"], ["latest"]],
    ["main", ["latest", "main"], [], ["main", "latest"]],
    ["1.4", ["1.4"], [], ["1.4"]],
    ["main-abc1234", ["dev"], ["main-abc1234"], ["dev"]],
  ])("%s with the aliases %j", (written, aliases, versions, moving) => {
    expect(sortTags(written, aliases)).toEqual({ versions, aliases: moving });
  });
});

describe("what stays in our own registry (R-060)", () => {
  const pushed = (tag: string, at: number, more: Partial<PushedTag> = {}): PushedTag => ({
    repository: "127.0.0.1:5500/shop/web",
    tag,
    kind: "version",
    digest: `sha256:${tag}`,
    imageDigest: `image:${tag}`,
    at,
    ...more,
  });
  const keepings = (tags: readonly PushedTag[], needed: Parameters<typeof retainPushes>[1], keep: number) =>
    Object.fromEntries(retainPushes(tags, needed, keep).map(({ digest, keeping }) => [digest, keeping]));

  it("keeps what is live or warm, by either digest, what an alias names, and the last ones", () => {
    const tags = [
      pushed("a", 1),
      pushed("b", 2),
      pushed("c", 3),
      pushed("d", 4),
      pushed("e", 5),
      pushed("latest", 6, { kind: "alias", digest: "sha256:d" }),
    ];
    const needed = new Map([
      ["image:a", "live"],
      ["sha256:b", "warm"],
    ] as const);
    expect(keepings(tags, needed, 1)).toEqual({
      "sha256:a": "live",
      "sha256:b": "warm",
      "sha256:c": "removable",
      "sha256:d": "alias",
      "sha256:e": "removable",
    });
    expect(keepings(tags, needed, 2)["sha256:e"]).toBe("last");
  });

  it("counts the last ones of each repository", () => {
    const other = "127.0.0.1:5500/shop/api";
    const tags = [pushed("a", 1), pushed("b", 2), pushed("c", 3, { repository: other })];
    expect(keepings(tags, new Map(), 1)).toEqual({
      "sha256:a": "removable",
      "sha256:b": "last",
      "sha256:c": "last",
    });
  });

  it("takes the best reason of all stacks for a digest", () => {
    const release = (id: string, number: number) => ({
      id,
      number,
      images: { web: { digest: "sha256:a", reference: "web" } },
    });
    const scopes = [
      { stack: "one", releases: [release("r1", 1), release("r2", 2)], current: "r2", warm: [] },
      { stack: "two", releases: [release("r3", 1)], current: undefined, warm: [] },
    ];
    expect(neededDigests(scopes, 0).get("sha256:a")).toBe("live");
    expect(neededDigests([scopes[1] ?? fail()], 0).get("sha256:a")).toBe("removable");
  });
});

function fail(): never {
  throw new Error("no such scope");
}
