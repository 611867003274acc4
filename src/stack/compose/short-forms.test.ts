import { describe, expect, it } from "vitest";
import { canonicalBytes, canonicalDuration, shortestFloat32 } from "./go-values.ts";
import { splitShellWords } from "./shell-words.ts";
import { parseShortMount } from "./short-mount.ts";
import { parseShortPort } from "./short-port.ts";
import { suggest } from "./suggest.ts";
import { resolvePlainScalar } from "./yaml-scalar.ts";

describe("ports in the short form", () => {
  it.each([
    ["80", [{ target: 80, protocol: "tcp" }]],
    ["8080:80", [{ target: 80, published: "8080", protocol: "tcp" }]],
    ["127.0.0.1:8080:80/udp", [{ host_ip: "127.0.0.1", target: 80, published: "8080", protocol: "udp" }]],
    ["127.0.0.1::80", [{ host_ip: "127.0.0.1", target: 80, protocol: "tcp" }]],
    ["[::1]:8080:80", [{ host_ip: "::1", target: 80, published: "8080", protocol: "tcp" }]],
    ["8000-9000:80", [{ target: 80, published: "8000-9000", protocol: "tcp" }]],
    [
      "90-91:80-81",
      [
        { target: 80, published: "90", protocol: "tcp" },
        { target: 81, published: "91", protocol: "tcp" },
      ],
    ],
  ])("reads %s", (spec, expected) => {
    expect(parseShortPort(spec)).toEqual(expected);
  });

  it.each([
    "",
    "abc",
    "80:abc",
    "80:70000",
    "80-82:90-91",
    "300.1.1.1:80:80",
    "80/http",
    "1:2:3:4",
    "82-80",
    "80:",
  ])("refuses %j", (spec) => {
    expect(parseShortPort(spec)).toHaveProperty("problem");
  });
});

describe("volumes in the short form", () => {
  const plain = { readOnly: false, noCopy: false };
  it.each([
    ["/anon", { type: "volume", target: "/anon", ...plain }],
    ["data:/d", { type: "volume", source: "data", target: "/d", ...plain }],
    ["./a:/b/:ro", { type: "bind", source: "./a", target: "/b", readOnly: true, noCopy: false }],
    [
      "~/a:/b:z,rshared",
      { type: "bind", source: "~/a", target: "/b", ...plain, selinux: "z", propagation: "rshared" },
    ],
    ["C:\\a:/b", { type: "bind", source: "C:\\a", target: "/b", ...plain }],
    ["data:/d:nocopy", { type: "volume", source: "data", target: "/d", readOnly: false, noCopy: true }],
  ])("reads %s", (spec, expected) => {
    expect(parseShortMount(spec)).toEqual(expected);
  });

  it.each(["", "aa:bb:cc:dd", "./a::ro", ":/b"])("refuses %j", (spec) => {
    expect(parseShortMount(spec)).toHaveProperty("problem");
  });
});

describe("values in the reference's spelling", () => {
  it.each([
    ["90s", "1m30s"],
    ["1.5h", "1h30m0s"],
    ["500ms", "500ms"],
    ["1500ms", "1.5s"],
    ["250us", "250µs"],
    ["0", "0s"],
    ["36h", "36h0m0s"],
    ["-1s", "-1s"],
    ["1h0m0.5s", "1h0m0.5s"],
  ])("prints the duration %s as %s", (text, expected) => {
    expect(canonicalDuration(text)).toBe(expected);
  });
  it.each(["10", "", "1d", "s", "1x", "999999999999h"])("knows that %j is no duration", (text) => {
    expect(canonicalDuration(text)).toBeUndefined();
  });
  it.each([
    ["1g", "1073741824"],
    ["1.5k", "1536"],
    ["10 MB", "10485760"],
    ["2GiB", "2147483648"],
    [7, "7"],
    ["512b", "512"],
  ])("prints the size %s as %s", (size, expected) => {
    expect(canonicalBytes(size)).toBe(expected);
  });
  it.each(["lots", "-1", "", "1x", "1..5"])("knows that %j is no size", (size) => {
    expect(canonicalBytes(size)).toBeUndefined();
  });
  it("prints the shortest 32-bit number", () => {
    expect([0.1, 0.333333333, 1.5, 0].map(shortestFloat32)).toEqual([0.1, 0.33333334, 1.5, 0]);
  });
  it.each([
    ["yes", "yes"],
    ["True", true],
    ["0777", 511],
    ["0o17", 15],
    ["0x1F", 31],
    ["1_000", 1000],
    ["~", null],
    ["", null],
    ["1e3", 1000],
    ["2024-02-30", "2024-02-30"],
    ["2024-02-29", "2024-02-29 00:00:00 +0000 UTC"],
    ["1.2.3", "1.2.3"],
    ["12:30", "12:30"],
  ])("reads the plain scalar %s", (text, expected) => {
    expect(resolvePlainScalar(text)).toBe(expected);
  });
  it.each([
    ["a 'b c' \"d e\" f\\ g", ["a", "b c", "d e", "f g"]],
    ["a && b", ["a"]],
    ["", []],
    ["a ''", ["a", ""]],
  ])("splits the command %s", (text, expected) => {
    expect(splitShellWords(text)).toEqual(expected);
  });
  it("tells an open quote in a command", () => {
    expect(splitShellWords("a 'b")).toHaveProperty("problem");
  });
});

describe("suggestions", () => {
  const known = ["ports", "image", "environment", "expose", "env_file"];
  it.each([
    ["prots", "ports"],
    ["img", undefined],
    ["enviroment", "environment"],
    ["env-file", "env_file"],
    ["zzz", undefined],
  ])("for %s: %s", (word, expected) => {
    expect(suggest(word, known)).toBe(expected);
  });
});
