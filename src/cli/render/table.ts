import { stripVTControlCharacters } from "node:util";
import type { Style } from "./style.ts";

/** Columns as wide as their widest cell, two spaces apart, no rules; colour codes don't count. Ends in a newline. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): string {
  const widths = header.map((title, column) =>
    Math.max(visibleWidth(title), ...rows.map((row) => visibleWidth(row[column] ?? ""))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return `${[style.dim(line(header)), ...rows.map(line)].join("\n")}\n`;
}

export function visibleWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}

export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - visibleWidth(text)));
}
