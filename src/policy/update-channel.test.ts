import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAllowed, judgeUpdate, tagOfChannel } from "./update-channel.ts";

const tags = [
  "latest",
  "1.4.1",
  "1.4.2",
  "1.4.10",
  "1.4.11-rc1",
  "1.5.0",
  "1.10.3",
  "2.0.0",
  "v1.4.99",
  "1.4",
  "1.9-alpine",
  "1.4.12-alpine",
];

describe("update channels (R-153)", () => {
  it.each([
    ["pinned", "1.4.2", undefined],
    ["patch", "1.4.2", "1.4.10"],
    ["minor", "1.4.2", "1.10.3"],
    ["patch", "1.4.2-alpine", "1.4.12-alpine"],
    ["minor", "1.4-alpine", "1.9-alpine"],
    ["patch", "1.4.50", "1.4.50"],
    ["patch", "v1.4.0", "v1.4.99"],
    ["patch", "1.4", "1.4"],
    ["patch", "latest", undefined],
  ] as const)("%s of %s is %s", (kind, current, expected) => {
    expect(tagOfChannel({ kind }, current, tags)).toBe(expected);
  });

  it("tag:<name> is that tag, whatever runs", () => {
    expect(tagOfChannel({ kind: "tag", tag: "production" }, "1.4.2", [])).toBe("production");
  });

  it("never leads down, across a major version, or to another variant", () => {
    const part = fc.integer({ min: 0, max: 30 });
    const version = fc.tuple(part, part, part, fc.constantFrom("", "-alpine", "-rc1"));
    const write = ([a, b, c, variant]: [number, number, number, string]) => `${a}.${b}.${c}${variant}`;
    fc.assert(
      fc.property(version, fc.array(version), fc.constantFrom("patch", "minor"), (now, others, kind) => {
        const found = tagOfChannel({ kind: kind as "patch" }, write(now), others.map(write));
        const [a = 0, b = 0, c = 0] = (found ?? "").split(/[.-]/).map(Number);
        expect(a).toBe(now[0]);
        expect(b).toBeGreaterThanOrEqual(now[1]);
        if (kind === "patch" || b === now[1])
          expect(c >= now[2] || (kind === "minor" && b > now[1])).toBe(true);
        expect(found?.endsWith(now[3])).toBe(true);
        expect([write(now), ...others.map(write)]).toContain(found);
      }),
    );
  });
});

describe("allow lists (R-154)", () => {
  const policy = { channel: { kind: "patch" as const }, everySeconds: 300 };
  it.each([
    [undefined, "ghcr.io/acme/web", true],
    [["ghcr.io/acme/*"], "ghcr.io/acme/web", true],
    [["ghcr.io/acme/*"], "ghcr.io/acme-evil/web", false],
    [["ghcr.io/acme/web"], "ghcr.io/acme/web", true],
    [["ghcr.io/acme/web"], "ghcr.io/acme/web2", false],
    [["nginx"], "docker.io/library/nginx", true],
    [["ghcr.io/*"], "registry.test/acme/web", false],
  ] as const)("%j lets %s through: %s", (allow, repository, expected) => {
    expect(isAllowed({ ...policy, ...(allow ? { allow } : {}) }, repository)).toBe(expected);
  });
});

describe("what to do about a newer image", () => {
  const facts = { current: "a", newest: "b", bad: [], frozen: false };
  it.each([
    ["rolls it out (R-149)", facts, "update"],
    ["does nothing for the same digest (R-151)", { ...facts, newest: "a", frozen: true }, "current"],
    ["never tries a bad digest again (R-152)", { ...facts, bad: ["b"] }, "bad"],
    ["waits while nothing may change (R-156)", { ...facts, frozen: true }, "frozen"],
    ["says that the registry has none", { ...facts, newest: undefined }, "absent"],
    ["tries a newer one after a bad one (R-152)", { ...facts, newest: "c", bad: ["b"] }, "update"],
  ] as const)("%s", (_name, given, expected) => {
    expect(judgeUpdate(given)).toBe(expected);
  });
});
