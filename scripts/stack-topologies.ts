import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderDiagram } from "../src/stack/diagram.ts";
import { loadStack } from "../src/stack/load-stack.ts";

const root = join(import.meta.dirname, "..");
const section = /(<!-- topology -->)[\s\S]*?(<!-- \/topology -->)/;

/** The READMEs of stacks/ that have a place for a diagram, as paths below the checkout. */
export function readmesWithTopology(): string[] {
  const paths = globSync("stacks/*/README.md", { cwd: root }).toSorted();
  return paths.filter((path) => section.test(readFileSync(join(root, path), "utf8")));
}

/** That README with the diagram of its compose.yaml between the markers. */
export function withTopology(path: string): string {
  const text = readFileSync(join(root, path), "utf8");
  // A function, as `$` in the diagram would mean something in a replacement text.
  return text.replace(section, (_all, open, close) => `${open}\n\n${diagramOf(dirname(path))}\n\n${close}`);
}

function diagramOf(folder: string): string {
  const file = join(root, folder, "compose.yaml");
  const { stack, problems } = loadStack({
    composeFiles: [file],
    projectDirectory: dirname(file),
    profiles: [],
    environment: placeholders(readFileSync(file, "utf8")),
    environmentName: "production",
    // What would fail or be unsafe once it runs is no matter of the picture.
    accepted: true,
    readText: (path) => {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
    },
  });
  if (stack) return ["```mermaid", renderDiagram(stack), "```"].join("\n");
  const errors = problems.filter(({ severity }) => severity === "error");
  throw new Error(`${folder}: ${errors.map(({ line, message }) => `line ${line}: ${message}`).join("; ")}`);
}

/** Variables that the file insists on; the diagram shows none of them, so any value will do. */
function placeholders(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/\$\{(\w+):?\?/g)].map(([, name = ""]) => [name, "placeholder"]),
  );
}
