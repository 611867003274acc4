import { type Arg, DockerfileParser, type From } from "dockerfile-ast";

/**
 * Images that a Dockerfile starts from or copies from, stages of its own and `scratch` left out. `undefined` when a
 * name cannot be told without building, e.g. because it holds a variable that only the builder knows.
 */
export function baseImages(
  text: string,
  buildArguments: Readonly<Record<string, string | null>>,
): string[] | undefined {
  const file = DockerfileParser.parse(text);
  const values: Record<string, string> = {};
  for (const argument of file.getInitialARGs()) {
    const property = (argument as Arg).getProperty();
    const value = property && (buildArguments[property.getName()] ?? property.getValue());
    if (property && typeof value === "string") values[property.getName()] = value;
  }
  const stages = new Set<string>(["scratch"]);
  const images = new Set<string>();
  let position = 0;
  for (const line of file.getInstructions()) {
    const isFrom = line.getKeyword() === "FROM";
    const named = isFrom ? [(line as From).getImage() ?? ""] : sourcesOf(line.getTextContent());
    for (const name of named) {
      const image = expand(name, values);
      if (image === undefined) return undefined;
      if (!stages.has(image.toLowerCase())) images.add(image);
    }
    if (!isFrom) continue;
    const stage = (line as From).getBuildStage();
    if (stage) stages.add(stage.toLowerCase());
    stages.add(String(position++));
  }
  return [...images].sort();
}

/** `COPY --from=…` and `RUN --mount=…,from=…`. */
function sourcesOf(content: string): string[] {
  return [...content.matchAll(/--from=(\S+)|--mount=\S*?\bfrom=([^,\s]+)/g)].map(
    ([, copied, mounted]) => copied ?? mounted ?? "",
  );
}

function expand(name: string, values: Readonly<Record<string, string>>): string | undefined {
  const text = name.replace(
    /\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})/g,
    (whole, plain?: string, braced?: string, fallback?: string) =>
      values[plain ?? braced ?? ""] || (fallback ?? whole),
  );
  return text.includes("$") || text === "" ? undefined : text;
}
