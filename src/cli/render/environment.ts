import type { DifferenceModel, VariableViewModel } from "../../api/contract/environment.ts";
import type { Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { ago } from "./time.ts";

type Shown = NonNullable<DifferenceModel["from"]>;

const maxWidth = 48;
const masked = "***";

const liveWords = { same: "runs", differs: "next deploy", unknown: "next deploy", absent: "" } as const;

/** Every variable with where its value comes from; secrets masked. */
export function renderVariables(variables: readonly VariableViewModel[], now: number, style: Style): string {
  if (variables.length === 0) return "nothing is set, and nothing that runs asks for a variable\n";
  const rows = variables.map((variable) => [
    variable.name,
    variable.set ? shownText(variable.set) : variable.secret ? style.dim("secret") : "",
    stateText(variable, style),
    variable.set ? liveWords[variable.live] : "",
    variable.services.join(", "),
    variable.set ? `${ago(variable.set.changedAt, now)} by ${variable.set.changedBy}` : "",
  ]);
  return renderTable(["NAME", "VALUE", "STATE", "LIVE", "SERVICES", "CHANGED"], rows, style);
}

function stateText({ state, required }: VariableViewModel, style: Style): string {
  if (state === "missing") return style.bad(required ? "missing, required" : "missing");
  if (state === "unused") return style.dim("unused");
  const words = { set: "set", file: "from the release", default: "default" } as const;
  return words[state] + (required ? ", required" : "");
}

/** One line for each variable that differs. */
export function renderDifferences(
  differences: readonly DifferenceModel[],
  [from, to]: readonly [string, string],
  style: Style,
): string {
  const changed = differences.filter(({ change }) => change !== "same");
  if (changed.length === 0) return `${from} and ${to} have the same variables\n`;
  const signs = {
    added: style.good("+"),
    removed: style.bad("-"),
    changed: style.warn("~"),
    unknown: style.dim("?"),
    same: "",
  };
  const rows = changed.map((one) => [
    signs[one.change],
    one.name,
    one.from ? shownText(one.from) : style.dim("not set"),
    one.to ? shownText(one.to) : style.dim("not set"),
  ]);
  return renderTable(["", "NAME", from.toUpperCase(), to.toUpperCase()], rows, style);
}

function shownText(shown: Shown): string {
  if (shown.kind === "secret") return masked;
  if (shown.kind === "reference") return shown.reference;
  if (shown.kind === "shell") return "from the shell";
  const line = shown.value.replaceAll("\n", "\\n");
  return line.length > maxWidth ? `${line.slice(0, maxWidth - 1)}…` : line;
}
