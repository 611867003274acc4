import { cleanPath } from "../lib/posix-path.ts";
import type { Step } from "./pipeline.ts";
import { freeName } from "./read-pipeline.ts";
import { actionEffect } from "./workflow-actions.ts";
import {
  exportCommand,
  guardCommand,
  plainText,
  readCondition,
  resolveText,
  type Scope,
  scriptText,
} from "./workflow-expressions.ts";
import { type Keys, list, mapping, scalar, type WorkflowSource } from "./workflow-source.ts";

/** The parts of a job that its steps decide. */
export type WorkflowSteps = { steps: Step[]; caches: string[]; artefacts: string[]; secrets: string[] };

export type StepDefaults = {
  scope: Scope;
  timeoutSeconds: number;
  /** Shell commands that set the variables which are known only at run time. */
  exports: string;
  shell?: string;
};

/** The steps of a job that can be honoured, in order; the others are told and left out. */
export function readSteps(
  source: WorkflowSource,
  at: Keys,
  value: unknown,
  defaults: StepDefaults,
): WorkflowSteps {
  const found: WorkflowSteps = { steps: [], caches: [], artefacts: [], secrets: [] };
  const names = new Set<string>();
  for (const [index, written] of list(value).entries()) {
    const step = mapping(written);
    const here = [...at, index];
    const uses = scalar(step["uses"]);
    if (uses !== undefined) {
      const { caches = [], artefacts = [], reason } = actionEffect(uses, step["with"]);
      found.caches.push(...caches);
      found.artefacts.push(...artefacts);
      if (reason !== undefined) source.tell([...here, "uses"], reason);
      continue;
    }
    const read = readRun(source, here, step, { ...defaults, names });
    if ("reason" in read) source.tell([...here, ...read.keys], `${read.reason}, the step is left out`);
    else {
      found.steps.push(read.step);
      found.secrets.push(...read.secrets);
    }
  }
  return found;
}

type Run = StepDefaults & { names: Set<string> };

/** Why a step is left out, and where that is written. */
type LeftOut = { keys: Keys; reason: string };

function readRun(
  source: WorkflowSource,
  at: Keys,
  step: Readonly<Record<string, unknown>>,
  run: Run,
): { step: Step; secrets: readonly string[] } | LeftOut {
  const written = scalar(step["run"]);
  if (written === undefined) return { keys: [], reason: "a step without run or uses does nothing" };
  const guard = readCondition(scalar(step["if"]) ?? "true");
  if (guard === undefined) return { keys: ["if"], reason: "this condition cannot be decided here" };
  const env = readVariables(source, [...at, "env"], step["env"], run.scope);
  const text = resolveText(written, { ...run.scope, env: { ...run.scope.env, ...env.plain } });
  const script = scriptText(text);
  if (text.unknown.length > 0)
    return { keys: ["run"], reason: `\${{ ${text.unknown[0]} }} is not known here` };
  if (script === undefined) return { keys: ["run"], reason: "an expression stands in single quotes" };
  const folder = readFolder(step["working-directory"], run.scope);
  if (typeof folder === "object") return { keys: ["working-directory"], reason: folder.reason };
  const shell = scalar(step["shell"]) ?? run.shell;
  if (!/^(ba)?sh\b/.test(shell ?? "sh"))
    return { keys: ["shell"], reason: `the shell ${shell} is not offered` };
  if (/\bGITHUB_(OUTPUT|ENV|PATH)\b/.test(script)) source.tell([...at, "run"], filesReason);
  const minutes = Number(scalar(step["timeout-minutes"]));
  return {
    step: {
      name: nameOf(step, written, run),
      run: `${guardCommand(guard)}${run.exports}${env.exports}${lenient(step)}${inShell(script, shell)}`,
      env: env.plain,
      timeoutSeconds: minutes > 0 ? Math.min(minutes * 60, run.timeoutSeconds) : run.timeoutSeconds,
      ...(folder === undefined ? {} : { folder }),
    },
    secrets: [...text.secrets, ...env.secrets],
  };
}

const filesReason =
  "what a step writes to GITHUB_OUTPUT, GITHUB_ENV or GITHUB_PATH does not reach later steps";

/** A step that may fail ends well whatever it did. */
function lenient(step: Readonly<Record<string, unknown>>): string {
  return step["continue-on-error"] === true ? "trap 'exit 0' EXIT\n" : "";
}

function nameOf(step: Readonly<Record<string, unknown>>, run: string, { names, scope }: Run): string {
  const written = scalar(step["name"]);
  const name = written === undefined ? undefined : plainText(resolveText(written, scope));
  return freeName(name ?? written ?? run, names);
}

/** Bash where it is asked for, or where a script has what only Bash understands. */
function inShell(script: string, shell: string | undefined): string {
  const wantsBash =
    /^bash\b/.test(shell ?? "") || /\[\[ |<<<|\bpipefail\b|^\s*(source|declare|shopt) /m.test(script);
  if (!wantsBash || shell?.startsWith("sh")) return script;
  let mark = "SCRIPT";
  while (script.includes(mark)) mark += "_";
  return `exec bash -eo pipefail -c "$(cat <<'${mark}'\n${script.replace(/\n$/, "")}\n${mark}\n)"\n`;
}

/** A folder below the repository; `undefined` when none is written, a reason when it cannot be used. */
export function readFolder(value: unknown, scope: Scope): string | { reason: string } | undefined {
  const written = scalar(value);
  if (written === undefined) return undefined;
  const folder = cleanPath(plainText(resolveText(written, scope)) ?? "/");
  return /^(\/|~|\.\.(\/|$))/.test(folder)
    ? { reason: `${written} is not a known folder of the repository` }
    : folder;
}

/** The variables of an `env`: known texts, and commands that set the rest at run time. */
export function readVariables(
  source: WorkflowSource,
  at: Keys,
  value: unknown,
  scope: Scope,
): { plain: Record<string, string>; exports: string; secrets: string[] } {
  const plain: Record<string, string> = {};
  const secrets: string[] = [];
  let exports = "";
  for (const [name, written] of Object.entries(mapping(value))) {
    const text = scalar(written) ?? "";
    const resolved = resolveText(text, scope);
    const known = plainText(resolved);
    if (!/^[A-Za-z_]\w*$/.test(name))
      source.tell([...at, name], `${name} is not a variable's name, it is left out`);
    else if (resolved.unknown.length > 0)
      source.tell(
        [...at, name],
        `\${{ ${resolved.unknown[0]} }} is not known here, the variable is left out`,
      );
    else if (known !== undefined) plain[name] = known;
    else {
      secrets.push(...resolved.secrets);
      // A secret under its own name needs no command.
      if (text.replaceAll(/\s/g, "") !== `\${{secrets.${name}}}`)
        exports += `${exportCommand(name, resolved)}\n`;
    }
  }
  return { plain, exports, secrets };
}
