import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { imageTag } from "./image-tag.ts";

const commit = "abc1234def5678abc1234def5678abc1234def56";

describe("imageTag (R-048)", () => {
  it.each([
    ["main", "main-abc1234"],
    ["refs/heads/main", "main-abc1234"],
    ["feature/chat-model-selector", "feature-chat-model-selector-abc1234"],
    ["Feature/ABC", "feature-abc-abc1234"],
    ["fix//double__x", "fix-double__x-abc1234"],
    ["-.odd-", "odd-abc1234"],
    ["größe", "gr-e-abc1234"],
    ["日本", "abc1234"],
    ["", "abc1234"],
  ])("%s gives %s", (branch, tag) => {
    expect(imageTag(branch, commit)).toBe(tag);
  });

  it("cuts a long branch, never the commit", () => {
    const tag = imageTag(`feature/${"x".repeat(300)}`, commit);
    expect(tag).toHaveLength(128);
    expect(tag).toMatch(/^feature-x+-abc1234$/);
  });

  it("is a tag that a registry takes, whatever the branch", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."aZ0/-._ \u0000ßé漢😀"), maxLength: 300 }),
        (branch) => {
          expect(imageTag(branch, commit)).toMatch(/^[a-z0-9_][a-z0-9._-]{0,127}$/);
        },
      ),
    );
  });
});
