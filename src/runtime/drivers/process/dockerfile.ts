import {
  type Arg,
  type Dockerfile,
  DockerfileParser,
  type Env,
  type From,
  type Instruction,
  type JSONInstruction,
} from "dockerfile-ast";

/** What a process needs to know of an image's recipe. */
export type Recipe = {
  environment: Record<string, string>;
  entrypoint: readonly string[];
  command: readonly string[];
  /** The folder into which the context was copied: the snapshot's root plays its part. Empty: `/`. */
  root: string;
  /** The work folder when the program starts. */
  workingDir: string;
  /** EXPOSEd TCP ports, ascending. */
  exposedPorts: readonly number[];
  /** Some stage runs the package's build script. */
  runsBuild: boolean;
  /** Development packages are left out. */
  productionOnly: boolean;
  /** Base image of the stage. */
  base: string;
  stopSignal?: string;
  /** What of the recipe a process cannot keep, for people. */
  notes: readonly string[];
};

type Draft = {
  environment: Record<string, string>;
  variables: Record<string, string>;
  entrypoint: string[];
  command: string[];
  root: string | undefined;
  workingDir: string;
  ports: Set<number>;
  base: string;
  stopSignal: string | undefined;
  notes: string[];
};

/**
 * Reads ENV, WORKDIR, CMD, ENTRYPOINT, EXPOSE, STOPSIGNAL and ARG of the target stage (the last one without a
 * target) and of the stages it is made FROM. Shell forms become `/bin/sh -c`, as the Dockerfile reference says.
 * `undefined` when the target does not exist.
 */
export function readDockerfile(
  text: string,
  target: string | undefined,
  buildArguments: Readonly<Record<string, string>>,
): Recipe | undefined {
  const file = DockerfileParser.parse(text);
  const stages = splitStages(file);
  const wanted =
    target === undefined
      ? stages.at(-1)
      : (stages.find((stage) => stage.name === target.toLowerCase()) ?? stages[Number(target)]);
  if (!wanted) return undefined;
  const globals: Record<string, string> = {};
  for (const argument of file.getInitialARGs()) declare(argument, globals, globals, buildArguments);
  const draft = readStage(wanted, stages, globals, buildArguments);
  const runs = file.getInstructions().filter((line) => line.getKeyword() === "RUN");
  const commands = runs.map((line) => line.getArgumentsContent() ?? "");
  return {
    environment: draft.environment,
    entrypoint: draft.entrypoint,
    command: draft.command,
    root: draft.root ?? draft.workingDir,
    workingDir: draft.workingDir,
    exposedPorts: [...draft.ports].sort((a, b) => a - b),
    runsBuild: commands.some((line) => /\b(npm|yarn|pnpm|bun)\s+(run\s+|run-script\s+)?build\b/.test(line)),
    productionOnly: commands.some((line) => /--omit[= ]dev|--production\b|--only[= ]prod/.test(line)),
    base: draft.base,
    ...(draft.stopSignal === undefined ? {} : { stopSignal: draft.stopSignal }),
    notes: draft.notes,
  };
}

type Stage = { name: string | undefined; from: string; lines: readonly Instruction[] };

function splitStages(file: Dockerfile): Stage[] {
  const stages: { name: string | undefined; from: string; lines: Instruction[] }[] = [];
  for (const line of file.getInstructions()) {
    if (line.getKeyword() !== "FROM") {
      stages.at(-1)?.lines.push(line);
      continue;
    }
    const from = line as From;
    stages.push({
      name: from.getBuildStage()?.toLowerCase(),
      from: from.getImage() ?? "scratch",
      lines: [],
    });
  }
  return stages;
}

function readStage(
  stage: Stage,
  stages: readonly Stage[],
  globals: Readonly<Record<string, string>>,
  buildArguments: Readonly<Record<string, string>>,
): Draft {
  const base = expand(stage.from, globals);
  const position = stages.indexOf(stage);
  const parent = stages.slice(0, position).find((other) => other.name === base.toLowerCase());
  const draft = parent ? readStage(parent, stages, globals, buildArguments) : emptyDraft(base);
  for (const line of stage.lines) {
    if (line.getKeyword() === "ARG") declare(line as Arg, draft.variables, globals, buildArguments);
    else apply(line, draft);
  }
  return draft;
}

function emptyDraft(base: string): Draft {
  return {
    environment: {},
    variables: {},
    entrypoint: [],
    command: [],
    root: undefined,
    workingDir: "/",
    ports: new Set(),
    base,
    stopSignal: undefined,
    notes: [],
  };
}

function apply(line: Instruction, draft: Draft): void {
  const known = { ...draft.variables, ...draft.environment };
  const words = () => expand(line.getArgumentsContent() ?? "", known).trim();
  switch (line.getKeyword()) {
    case "ENV":
      for (const property of (line as Env).getProperties())
        draft.environment[property.getName()] = expand(property.getValue() ?? "", known);
      return;
    case "WORKDIR":
      draft.workingDir = join(draft.workingDir, words());
      return;
    case "COPY":
    case "ADD":
      draft.root ??= draft.workingDir;
      return;
    case "EXPOSE":
      for (const word of words().split(/\s+/)) addPorts(word, draft.ports);
      return;
    case "ENTRYPOINT":
      draft.entrypoint = commandOf(line as JSONInstruction);
      // The Dockerfile reference: setting ENTRYPOINT resets a CMD that came from the base image.
      draft.command = [];
      return;
    case "CMD":
      draft.command = commandOf(line as JSONInstruction);
      return;
    case "STOPSIGNAL":
      draft.stopSignal = words();
      return;
    case "USER":
      draft.notes.push(`USER ${words()} is not applied: the process runs as the control plane's user`);
      return;
    default:
      return;
  }
}

function declare(
  argument: Arg,
  into: Record<string, string>,
  globals: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): void {
  const property = argument.getProperty();
  if (!property) return;
  const name = property.getName();
  const fallback = property.getValue();
  const value =
    given[name] ?? (fallback === null ? globals[name] : expand(fallback, { ...globals, ...into }));
  if (value !== undefined) into[name] = value;
}

/** `$NAME`, `${NAME}`, `${NAME:-word}` and `${NAME:+word}`; an unknown name is empty. */
function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(
    /\\\$|\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/g,
    (
      whole,
      plain: string | undefined,
      braced: string | undefined,
      operator: string | undefined,
      word = "",
    ) => {
      if (whole === "\\$") return "$";
      const value = variables[plain ?? braced ?? ""] ?? "";
      if (operator === "-") return value === "" ? word : value;
      if (operator === "+") return value === "" ? "" : word;
      return value;
    },
  );
}

function commandOf(line: JSONInstruction): string[] {
  const text = line.getArgumentsContent()?.trim() ?? "";
  return jsonWords(text) ?? (text === "" ? [] : ["/bin/sh", "-c", text]);
}

/** The parser's own strings lose their spaces. What is no list of texts is the shell form, as for Docker. */
function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : undefined;
  } catch {
    return undefined;
  }
}

function addPorts(word: string, ports: Set<number>): void {
  const match = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(word);
  if (!match || (match[3] !== undefined && match[3].toLowerCase() !== "tcp")) return;
  const first = Number(match[1]);
  const last = Math.min(Number(match[2] ?? first), first + 1000);
  for (let port = first; port <= last; port += 1) ports.add(port);
}

function join(folder: string, path: string): string {
  const parts = (path.startsWith("/") ? path : `${folder}/${path}`).split("/");
  const kept: string[] = [];
  for (const part of parts) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}`;
}
