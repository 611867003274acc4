import { describe, expect, it } from "vitest";
import type { SubstitutionFault } from "./interpolate.ts";
import { substitute } from "./interpolate.ts";

const values: Record<string, string> = { SET: "v", EMPTY: "", OTHER: "o" };

function run(text: string): { out: string; faults: SubstitutionFault[] } {
  const faults: SubstitutionFault[] = [];
  const out = substitute(
    text,
    (name) => values[name],
    (fault) => faults.push(fault),
  );
  return { out, faults };
}

const ref = (body: string) => `\${${body}}`;

describe("interpolation", () => {
  it.each([
    ["plain text", "plain text"],
    ["$SET", "v"],
    [ref("SET"), "v"],
    [`a${ref("SET")}b$OTHER-c`, "avbo-c"],
    ["$$SET", "$SET"],
    [`$$${ref("SET")}`, "$v"],
    ["$", "$"],
    ["cost: $5 and $ x", "cost: $5 and $ x"],
    [ref("SET:-d"), "v"],
    [ref("EMPTY:-d"), "d"],
    [ref("EMPTY-d"), ""],
    [ref("UNSET-d"), "d"],
    [ref("UNSET:-"), ""],
    [ref("SET:+a"), "a"],
    [ref("EMPTY:+a"), ""],
    [ref("EMPTY+a"), "a"],
    [ref("UNSET+a"), ""],
    [ref("SET:?m"), "v"],
    [ref("EMPTY?m"), ""],
    [ref(`UNSET:-${ref(`EMPTY:-${ref("SET")}`)}`), "v"],
    [ref('UNSET:-{"a":{"b":1}}'), '{"a":{"b":1}}'],
    [ref("UNSET:-http://h:80/p?q=1"), "http://h:80/p?q=1"],
    [`${ref("UNSET:-x")}${ref("SET")}`, "xv"],
  ])("replaces %s by %s", (text, expected) => {
    expect(run(text)).toEqual({ out: expected, faults: [] });
  });

  it("tells unset variables and uses a blank", () => {
    expect(run(`a${ref("UNSET")}b`)).toEqual({ out: "ab", faults: [{ kind: "unset", variable: "UNSET" }] });
  });

  it.each([
    [ref("UNSET:?set it"), "set it"],
    [ref("EMPTY:?set it"), "set it"],
    [ref("UNSET?"), ""],
    [ref("UNSET?see $SET"), "see v"],
  ])("requires %s", (text, reason) => {
    expect(run(text).faults).toEqual([
      { kind: "required", variable: text.slice(2, text.search(/[:?]/)), reason },
    ]);
  });

  it.each([["${"], [ref("")], [ref("1A")], [ref("A!b")], ["${A"], [ref("A:b")]])("refuses %s", (text) => {
    expect(run(text).faults[0]?.kind).toBe("invalid");
  });

  it("ends on very deep nesting", () => {
    expect(run(`${"${A:-".repeat(5000)}x${"}".repeat(5000)}`).faults.at(-1)?.kind).toBe("invalid");
  });
});
