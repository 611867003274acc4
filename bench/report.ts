/** What a suite found: tables of text, and what a reader must know about them. */
export type Table = { caption: string; header: readonly string[]; rows: readonly (readonly string[])[] };

export type SuiteReport = {
  tables: readonly Table[];
  notes: readonly string[];
  /** Arms that did not run, each with its reason. */
  missing: readonly string[];
  /** Programs that took part. */
  programs: readonly string[];
};

export type SuiteOptions = {
  /** Small numbers that only prove that the suite works. */
  quick: boolean;
  /** Size of a suite's data, where it has any. */
  mib?: number;
  /** Progress, for the person who waits. */
  say: (line: string) => void;
};

export type Suite = { title: string; run: (options: SuiteOptions) => Promise<SuiteReport> };

/** A table as Markdown, padded so that it reads well in a terminal too. */
export function renderTable({ caption, header, rows }: Table): string {
  const escaped = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = header.map((_, column) => Math.max(3, ...escaped.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const [first = [], ...rest] = escaped;
  return [caption, "", line(first), rule, ...rest.map(line)].join("\n");
}

/** A number for a table: three significant digits, thousands separated, never in exponents. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.min(3, digits) });
}

/** Exact counts: failures are never rounded. */
export function exactly(value: number): string {
  return value.toLocaleString("en-US");
}
