import type { Problem } from "../../stack/problem.ts";
import type { Style } from "./style.ts";

/**
 * All problems with their place in the file: `file:line:col`, the line itself, a caret under the column, the fix.
 * Errors and warnings stay in file order, as somebody would mend them.
 */
export function renderProblems(
  problems: readonly Problem[],
  texts: Readonly<Record<string, string>>,
  style: Style,
  shorten: (path: string) => string = (path) => path,
): string {
  const lines = new Map<string, readonly string[]>();
  const lineOf = (file: string, line: number) => {
    const known = lines.get(file) ?? (texts[file] ?? "").split(/\r?\n/);
    lines.set(file, known);
    return known[line - 1];
  };
  return inFileOrder(problems)
    .map((problem) => renderProblem(problem, lineOf, style, shorten))
    .join("\n");
}

function renderProblem(
  problem: Problem,
  lineOf: (file: string, line: number) => string | undefined,
  style: Style,
  shorten: (path: string) => string,
): string {
  const severity = problem.severity === "error" ? style.bad("error") : style.warn("warning");
  const place = placeOf(problem, shorten);
  const head = `${severity} ${style.bold(problem.message)} ${style.dim(`[${problem.code}]`)}`;
  const where = [place, problem.path].filter((part) => part !== "").join("  ");
  const parts = [head, where === "" ? "" : `  ${style.accent("-->")} ${where}`];
  const line = problem.file && problem.line ? lineOf(problem.file, problem.line) : undefined;
  if (line !== undefined && problem.line !== undefined)
    parts.push(frame(line, problem.line, problem.column, style));
  if (problem.fix !== undefined) parts.push(`  ${style.good("fix:")} ${problem.fix}`);
  return `${parts.filter((part) => part !== "").join("\n")}\n`;
}

/** The line with its number and a caret; long lines are cut around the column so that the frame keeps to one row. */
function frame(text: string, line: number, column: number | undefined, style: Style): string {
  const room = 100;
  const start = column !== undefined && column > room - 20 ? column - 40 : 0;
  const shown = text.slice(start, start + room).replaceAll("\t", " ");
  const gutter = String(line).padStart(5);
  const row = `${style.dim(`${gutter} |`)} ${shown}`;
  if (column === undefined) return row;
  return `${row}\n${style.dim(`${" ".repeat(5)} |`)} ${" ".repeat(Math.max(0, column - 1 - start))}${style.bad("^")}`;
}

function placeOf(problem: Problem, shorten: (path: string) => string): string {
  if (problem.file === undefined) return "";
  const parts = [
    shorten(problem.file),
    problem.line,
    problem.line === undefined ? undefined : problem.column,
  ];
  return parts.filter((part) => part !== undefined).join(":");
}

function inFileOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted(
    (a, b) =>
      (a.file ?? "").localeCompare(b.file ?? "") ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

/** `2 errors, 1 warning`. */
export function summariseProblems(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const warnings = problems.length - errors;
  const count = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
  return [errors > 0 ? count(errors, "error") : "", warnings > 0 ? count(warnings, "warning") : ""]
    .filter((part) => part !== "")
    .join(", ");
}
