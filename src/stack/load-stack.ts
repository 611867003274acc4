import { resolvePath } from "../lib/posix-path.ts";
import { buildStack } from "./build-stack.ts";
import { type LoadInput, loadCompose } from "./compose/load-compose.ts";
import type { ComposeModel } from "./compose-model.ts";
import { type DockerfileFacts, readDockerfile } from "./dockerfile.ts";
import type { LintContext } from "./lint/rule.ts";
import { lintStack } from "./lint/rules.ts";
import { hasErrors, type Problem } from "./problem.ts";
import type { Stack } from "./stack.ts";

export type LoadStackInput = LoadInput & {
  /** `production` or any other name; chooses `x-roadstead.environments`. */
  environmentName: string;
  /** Domain of the installation, used where the file names none. */
  domain?: string;
  /** Contents of secrets and configs stay with the caller; it only says whether they are there. @default unknown */
  contentState?: LintContext["contentState"];
  /** It was deployed before: rules that a newer version added do not make it invalid, so they are not asked. */
  accepted?: boolean;
  /** TCP ports of the edge's public listeners. @default 80 and 443 */
  edgePorts?: readonly number[];
};

export type LoadedStack = {
  /** Absent when there are errors. */
  stack?: Stack;
  model?: ComposeModel;
  /** By file and line. */
  problems: readonly Problem[];
  variablesUsed: Readonly<Record<string, string>>;
  /** Known even when there are errors. */
  projectName?: string;
};

/** Compose texts -> Stack: load, infer, lint. Pure and total: the same texts and variables always give the same stack. */
export function loadStack(input: LoadStackInput): LoadedStack {
  const { model, problems, locate, variablesUsed, projectName } = loadCompose(input);
  if (model === undefined) return { problems: sorted(problems), variablesUsed, projectName };
  const dockerfiles = readDockerfiles(model, input.readText);
  const built = buildStack(model, {
    environment: input.environmentName,
    locate,
    projectDirectory: input.projectDirectory,
    ...(input.domain === undefined ? {} : { domain: input.domain }),
    exposedByImage: (name) => dockerfiles.get(name)?.facts.exposedPorts ?? [],
  });
  const context: LintContext = {
    model,
    stack: built.draft,
    dockerfileOf: (name) => dockerfiles.get(name),
    contentState: input.contentState ?? (() => undefined),
    edgePorts: input.edgePorts ?? [80, 443],
  };
  const linted = input.accepted ? [] : lintStack(context, locate);
  const all = sorted([...problems, ...built.problems, ...linted]);
  return {
    ...(built.stack === undefined || hasErrors(all) ? {} : { stack: built.stack }),
    model,
    problems: all,
    variablesUsed,
    projectName,
  };
}

/** Dockerfiles of local build folders, as far as they can be read here. */
function readDockerfiles(
  model: ComposeModel,
  readText: LoadInput["readText"],
): Map<string, { path: string; facts: DockerfileFacts }> {
  const found = new Map<string, { path: string; facts: DockerfileFacts }>();
  for (const [name, { build }] of Object.entries(model.services)) {
    if (!build?.context.startsWith("/")) continue;
    const path = resolvePath(build.context, build.dockerfile ?? "Dockerfile");
    const text = build.dockerfile_inline ?? readText(path);
    if (text !== undefined) found.set(name, { path, facts: readDockerfile(text, build.target) });
  }
  return found;
}

/** Those without a file first: they are about the whole. Equal places keep the order of the checks. */
function sorted(problems: readonly Problem[]): Problem[] {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...problems].sort(
    (a, b) =>
      compare(a.file ?? "", b.file ?? "") ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}
