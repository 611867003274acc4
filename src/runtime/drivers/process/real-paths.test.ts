import { describe, expect, it } from "vitest";
import { realPaths } from "./real-paths.ts";

const mappings = [
  { target: "/data", source: "/home/v/data" },
  { target: "/app", source: "/home/i/root" },
  { target: "/app/uploads/", source: "/home/v/uploads" },
  { target: "/run/secrets/token", source: "/home/r/token" },
];

describe("paths inside the image", () => {
  it.each([
    ["/data", "/home/v/data"],
    ["/data/app.db", "/home/v/data/app.db"],
    ["file:/data/app.db?mode=rw", "file:/home/v/data/app.db?mode=rw"],
    ["sqlite:///data/app.db", "sqlite:///home/v/data/app.db"],
    ["--dir=/data", "--dir=/home/v/data"],
    ["/app/bin:/usr/bin", "/home/i/root/bin:/usr/bin"],
    ["/app/uploads/cat.png", "/home/v/uploads/cat.png"],
    ["/app/uploads2", "/home/i/root/uploads2"],
    ["/run/secrets/token", "/home/r/token"],
    ["cat /data/a > /data/b", "cat /home/v/data/a > /home/v/data/b"],
  ])("%s becomes %s", (text, real) => {
    expect(realPaths(text, mappings)).toBe(real);
  });

  it.each([
    "/database",
    "/var/data",
    "data",
    "https://example.com/data",
    "/run/secrets/token2",
    "application",
  ])("%s stays", (text) => {
    expect(realPaths(text, mappings)).toBe(text);
  });

  it("never translates the root folder", () => {
    expect(realPaths("/etc", [{ target: "/", source: "/x" }])).toBe("/etc");
  });
});
