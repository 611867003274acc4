import { inputVariable } from "./start-run.ts";

/** What expressions may refer to in one job. */
export type Scope = {
  matrix: Readonly<Record<string, string>>;
  env: Readonly<Record<string, string>>;
};

/** A text with its expressions resolved: to texts where they are known, else to variables of the step. */
export type Resolved = {
  parts: readonly Part[];
  secrets: readonly string[];
  /** Expressions that stay unknown, as written. */
  unknown: readonly string[];
};

type Part = { text: string } | { variable: string };

/** What the runner sets for steps of a workflow, by the name that expressions have for it. */
export const workflowVariables: Readonly<Record<string, string>> = {
  "github.sha": "GITHUB_SHA",
  "github.ref": "GITHUB_REF",
  "github.ref_name": "GITHUB_REF_NAME",
  "github.head_ref": "GITHUB_HEAD_REF",
  "github.base_ref": "GITHUB_BASE_REF",
  "github.event_name": "GITHUB_EVENT_NAME",
  "github.repository": "GITHUB_REPOSITORY",
  "github.run_number": "GITHUB_RUN_NUMBER",
  "github.run_id": "GITHUB_RUN_ID",
  "github.actor": "GITHUB_ACTOR",
  "github.workspace": "GITHUB_WORKSPACE",
};

/** Resolves every `${{ … }}` of a text. */
export function resolveText(text: string, scope: Scope): Resolved {
  const parts: Part[] = [];
  const secrets: string[] = [];
  const unknown: string[] = [];
  let at = 0;
  for (const match of text.matchAll(/\$\{\{([^}]{0,500})\}\}/g)) {
    parts.push({ text: text.slice(at, match.index) });
    at = match.index + match[0].length;
    const expression = (match[1] ?? "").trim();
    const part = resolveOne(expression, scope);
    if (part === undefined) unknown.push(expression);
    else parts.push(part);
    const secret = secretName(expression);
    if (secret !== undefined) secrets.push(secret);
  }
  const rest = text.slice(at);
  if (rest.includes("${{"))
    unknown.push(
      rest
        .slice(rest.indexOf("${{") + 3)
        .slice(0, 80)
        .trim(),
    );
  parts.push({ text: rest });
  return { parts, secrets, unknown };
}

function resolveOne(expression: string, { matrix, env }: Scope): Part | undefined {
  const [, space = "", name = ""] =
    /^(matrix|env|inputs|github\.event\.inputs)\.([\w-]+)$/.exec(expression) ?? [];
  if (space === "matrix") return Object.hasOwn(matrix, name) ? { text: matrix[name] ?? "" } : undefined;
  if (space === "env") return Object.hasOwn(env, name) ? { text: env[name] ?? "" } : undefined;
  if (space !== "") return { variable: inputVariable(name) };
  const secret = secretName(expression);
  if (secret !== undefined) return { variable: secret };
  if (expression === "runner.os") return { text: "Linux" };
  const literal = /^'([^']*)'$|^(\d+)$/.exec(expression);
  if (literal) return { text: literal[1] ?? literal[2] ?? "" };
  const variable = Object.hasOwn(workflowVariables, expression) ? workflowVariables[expression] : undefined;
  return variable === undefined ? undefined : { variable };
}

function secretName(expression: string): string | undefined {
  return /^secrets\.([A-Za-z_]\w*)$/.exec(expression)?.[1];
}

/** The text itself, where no part of it is known only at run time. */
export function plainText({ parts, unknown }: Resolved): string | undefined {
  if (unknown.length > 0) return undefined;
  const texts = parts.map((part) => ("text" in part ? part.text : undefined));
  return texts.every((text) => text !== undefined) ? texts.join("") : undefined;
}

/**
 * The text as a part of a shell script: values known at run time become variables. `undefined` where one would stand in
 * single quotes, in which a shell replaces nothing.
 */
export function scriptText({ parts }: Resolved): string | undefined {
  let script = "";
  for (const part of parts) {
    if ("text" in part) {
      script += part.text;
      continue;
    }
    const line = script.slice(script.lastIndexOf("\n") + 1);
    if ((line.match(/'/g)?.length ?? 0) % 2 === 1) return undefined;
    script += `\${${part.variable}}`;
  }
  return script;
}

/** A shell command that sets a variable to the text. */
export function exportCommand(name: string, { parts }: Resolved): string {
  const value = parts
    .map((part) => ("text" in part ? part.text.replaceAll(/["\\$`]/g, "\\$&") : `\${${part.variable}}`))
    .join("");
  return `export ${name}="${value}"`;
}

/** One comparison of an `if`. */
export type Comparison = { variable: string; equal: boolean; value: string };

/** An `if` made of comparisons that must all hold; `undefined` when it is anything else. */
export function readCondition(text: string): readonly Comparison[] | undefined {
  const inner = /^\s*\$\{\{(.*)\}\}\s*$/s.exec(text)?.[1] ?? text;
  const comparisons: Comparison[] = [];
  for (const term of inner.split("&&").map((part) => part.trim())) {
    if (term === "success()" || term === "true") continue;
    const [, name = "", operator, value = ""] = /^(github\.\w+)\s*(==|!=)\s*'([^']*)'$/.exec(term) ?? [];
    const variable = Object.hasOwn(workflowVariables, name) ? workflowVariables[name] : undefined;
    if (variable === undefined) return undefined;
    comparisons.push({ variable, equal: operator === "==", value });
  }
  return comparisons;
}

/** Ends a script early and well unless the comparisons hold. */
export function guardCommand(comparisons: readonly Comparison[]): string {
  return comparisons
    .map(
      ({ variable, equal, value }) => `[ "\${${variable}:-}" ${equal ? "=" : "!="} '${value}' ] || exit 0\n`,
    )
    .join("");
}
