/**
 * Files of the build context that the stage `target` copies, directly or through the stages it is built on: paths and
 * patterns as written, relative to the context. `package.json` files copied on their own are left out: they stand there
 * for the install step, and their versions are in the lock file.
 */
export function imageSources(dockerfile: string, target?: string): readonly string[] {
  const stages = stagesOf(dockerfile);
  const wanted = target?.toLowerCase() ?? stages.at(-1)?.name;
  const open = [...stages.filter(({ name }) => name === wanted)].slice(-1);
  const seen = new Set(open);
  for (let stage = open.pop(); stage !== undefined; stage = open.pop()) {
    for (const other of stages) {
      if (seen.has(other) || !stage.uses.has(other.name)) continue;
      seen.add(other);
      open.push(other);
    }
  }
  return [...new Set([...seen].flatMap(({ sources }) => sources))].filter(
    (path) => !/(^|\/)package\.json$/.test(path),
  );
}

type Stage = { name: string; uses: Set<string>; sources: string[] };

function stagesOf(text: string): Stage[] {
  const stages: Stage[] = [];
  const logical = text.replaceAll(/^\s*#.*$/gm, "").replaceAll(/\\\r?\n\s*/g, " ");
  for (const line of logical.split(/\r?\n/)) {
    const [, word = "", rest = ""] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? [];
    const instruction = word.toUpperCase();
    const stage = stages.at(-1);
    if (instruction === "FROM") {
      const [, base = "", name] = /^(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(rest) ?? [];
      stages.push({
        name: (name ?? String(stages.length)).toLowerCase(),
        uses: new Set([base.toLowerCase()]),
        sources: [],
      });
    } else if (stage !== undefined && (instruction === "COPY" || instruction === "ADD"))
      readCopy(rest, stage);
    else if (stage !== undefined && instruction === "RUN")
      for (const [, from] of rest.matchAll(/--mount=\S*\bfrom=([^,\s]+)/g))
        stage.uses.add((from ?? "").toLowerCase());
  }
  return stages;
}

function readCopy(rest: string, stage: Stage): void {
  const from = /(?:^|\s)--from=(\S+)/.exec(rest)?.[1];
  if (from !== undefined) {
    stage.uses.add(from.toLowerCase());
    return;
  }
  const plain = rest.replace(/^(\s*--\S+)+\s*/, "").trim();
  const words = plain.startsWith("[")
    ? [...plain.matchAll(/"([^"]*)"/g)].map(([, word]) => word ?? "")
    : plain.split(/\s+/);
  for (const word of words.slice(0, -1)) {
    const path = word.replace(/^(\.?\/)+/, "").replace(/\/+$/, "");
    if (!/^https?:|^<</.test(word)) stage.sources.push(path === "" ? "." : path);
  }
}
