/** What the stack needs to know of a Dockerfile; building it is the runtime's work. */
export type DockerfileFacts = {
  /** TCP ports that the built stage EXPOSEs, its base stages' included. */
  exposedPorts: readonly number[];
  /** Exec-form CMD and ENTRYPOINT of the built stage, with their 1-based lines. */
  programs: readonly { instruction: "CMD" | "ENTRYPOINT"; argv: readonly string[]; line: number }[];
};

type Instruction = { name: string; rest: string; line: number };
type Stage = { name: string; base: string; instructions: Instruction[] };

/** Reads the stage that `target` names, or the last one (https://docs.docker.com/reference/dockerfile/). Never throws. */
export function readDockerfile(text: string, target?: string): DockerfileFacts {
  const stages: Stage[] = [];
  for (const instruction of instructionsOf(text)) {
    const from = /^(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(instruction.rest);
    if (instruction.name !== "FROM") stages.at(-1)?.instructions.push(instruction);
    else stages.push({ name: from?.[2] ?? String(stages.length), base: from?.[1] ?? "", instructions: [] });
  }
  const chain: Stage[] = [];
  let wanted = target ?? stages.at(-1)?.name;
  // Stages are built on earlier ones only, so this goes backwards and ends.
  for (const stage of stages.toReversed()) {
    if (stage.name.toLowerCase() !== wanted?.toLowerCase()) continue;
    chain.unshift(stage);
    wanted = stage.base;
  }
  const all = chain.flatMap((stage) => stage.instructions);
  return { exposedPorts: exposedPorts(all), programs: programsOf(all) };
}

/** Logical lines: comments dropped, continuations joined; the line is that of the instruction's first word. */
function instructionsOf(text: string): Instruction[] {
  const found: Instruction[] = [];
  let open: { text: string; line: number } | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*#/.test(line) || (open === undefined && line.trim() === "")) continue;
    const current: { text: string; line: number } = open ?? { text: "", line: index + 1 };
    current.text += ` ${line.replace(/\\\s*$/, "")}`;
    open = /\\\s*$/.test(line) ? current : undefined;
    if (open === undefined) found.push(...instruction(current));
  }
  return open === undefined ? found : [...found, ...instruction(open)];
}

function instruction({ text, line }: { text: string; line: number }): Instruction[] {
  const match = /^\s*([A-Za-z]+)\s+([\s\S]*?)\s*$/.exec(text);
  return match ? [{ name: (match[1] ?? "").toUpperCase(), rest: match[2] ?? "", line }] : [];
}

function exposedPorts(instructions: readonly Instruction[]): number[] {
  const texts = instructions.filter(({ name }) => name === "EXPOSE").flatMap(({ rest }) => rest.split(/\s+/));
  return texts.flatMap((text) => {
    const port = Number(/^(\d{1,5})(?:\/tcp)?$/.exec(text)?.[1]);
    return port >= 1 && port <= 65_535 ? [port] : [];
  });
}

/** The last CMD and the last ENTRYPOINT count. */
function programsOf(instructions: readonly Instruction[]): DockerfileFacts["programs"] {
  return (["ENTRYPOINT", "CMD"] as const).flatMap((name) => {
    const last = instructions.findLast((candidate) => candidate.name === name);
    const argv = last && execForm(last.rest);
    return last && argv ? [{ instruction: name, argv, line: last.line }] : [];
  });
}

function execForm(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.map(String) : undefined;
  } catch {
    // Docker takes it as shell form then.
    return undefined;
  }
}
