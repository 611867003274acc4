import { describe, expect, it } from "vitest";
import { parseEnvFile, parseRawEnvFile } from "./dotenv.ts";

const shell: Record<string, string> = { SHELL_VAR: "sh" };

function parse(text: string): Record<string, string> {
  const content = parseEnvFile(text, (name) => shell[name]);
  expect(content.faults).toEqual([]);
  return Object.fromEntries(content.variables);
}

describe(".env files (R-101)", () => {
  it.each([
    ["A=1\nB=two words  \n", { A: "1", B: "two words" }],
    ["# comment\n\n  A=1\n", { A: "1" }],
    ["A=a#b # comment", { A: "a#b" }],
    ["export A=1\nexport  B=2", { A: "1", B: "2" }],
    ["A: yaml", { A: "yaml" }],
    ["A = 1", { A: "1" }],
    ["A=", { A: "" }],
    ["A='lit $B \\n'", { A: "lit $B \\n" }],
    ["A='it\\'s'", { A: "it's" }],
    ['A="x\\ny\\t\\"q\\""', { A: 'x\ny\t"q"' }],
    ['A="one\ntwo"\nB=3', { A: "one\ntwo", B: "3" }],
    [`A=1\nB=$A-\${A}`, { A: "1", B: "1-1" }],
    [`A=1\nB="\${A} \\$A $$A"`, { A: "1", B: "1 $A $A" }],
    ["SHELL_VAR=file\nB=$SHELL_VAR", { SHELL_VAR: "file", B: "sh" }],
    ["SHELL_VAR\nMISSING\nA=1", { SHELL_VAR: "sh", A: "1" }],
    [`A=\${NOPE:-d}`, { A: "d" }],
    ["\uFEFFA=1\r\nB=2\r\n", { A: "1", B: "2" }],
    ["A.B-C=1", { "A.B-C": "1" }],
    ["A=C:\\path\\x", { A: "C:\\path\\x" }],
  ])("reads %j", (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  it.each([
    ['X=1\nA="open', 2],
    ["A B=1", 1],
    ["\n\nA%=1", 3],
    [`A=\${B:?needed}`, 1],
    [`A=\${`, 1],
  ])("tells the line of the fault in %j", (text, line) => {
    expect(parseEnvFile(text, () => undefined).faults).toMatchObject([{ line }]);
  });

  it("takes raw files as they stand", () => {
    const { variables, faults } = parseRawEnvFile(
      'A="q" $B #c\n# no\nSHELL_VAR\nB=\n',
      (name) => shell[name],
    );
    expect(Object.fromEntries(variables)).toEqual({ A: '"q" $B #c', SHELL_VAR: "sh", B: "" });
    expect(faults).toEqual([]);
  });
});
