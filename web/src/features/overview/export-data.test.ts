import { describe, expect, it } from "vitest";
import { asCsv, csvCell } from "./export-data.ts";

describe("the export (R-189)", () => {
  it.each([
    ["=1+1", "'=1+1"],
    ["+49", "'+49"],
    ["-x", "'-x"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ['a "b", c', '"a ""b"", c"'],
    ["plain", "plain"],
  ])("writes %s as a cell that no spreadsheet computes", (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });

  it("keeps negative numbers numbers", () => {
    const row = { panel: "p", subject: "s", name: "n", value: -1.5 };
    expect(asCsv([row])).toBe("panel,subject,name,value\r\np,s,n,-1.5\r\n");
  });
});
