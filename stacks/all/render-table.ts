import type { Row } from "./survey.ts";

/** The stacks one below the other; further addresses and reasons on lines of their own. */
export function renderTable(rows: readonly Row[], platform: number): string {
  const cells = rows.flatMap((row) => {
    const memory = row.state === "not deployed" ? "-" : `${row.memoryMegabytes} MB`;
    const [first = "-", ...others] = row.urls;
    return [
      [row.stack, row.state, memory, first],
      ...others.map((url) => ["", "", "", url]),
      ...row.missing.map((reason) => ["", "", "", `  ${reason}`]),
    ];
  });
  const total = rows.reduce((sum, row) => sum + row.memoryMegabytes, 0);
  const table = [
    ["STACK", "STATE", "MEMORY", "ADDRESS"],
    ...cells,
    ["all stacks", "", `${total} MB`, ""],
    ["Roadstead", "", `${platform} MB`, "control plane and edge, beside them"],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((line) => (line[column] ?? "").length)));
  const lines = table.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}
