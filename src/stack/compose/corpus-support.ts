import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { LoadedCompose } from "./load-compose.ts";
import { loadCompose } from "./load-compose.ts";

/** The Compose files of test/fixtures/compose and how they are loaded, for the golden and the oracle test. */
export const corpusFolder = join(import.meta.dirname, "../../../test/fixtures/compose");

export type CorpusCase = { name: string; files: readonly string[]; kind: "accepted" | "newer" | "refused" };

/** The shell that every corpus file sees. */
export const corpusEnvironment: Readonly<Record<string, string>> = {
  HOME: "/home/corpus",
  CORPUS_SHELL: "shell",
  CORPUS_EMPTY: "",
};

/** `newer`: needs a reference implementation younger than the one that CI compares with. */
export function corpusCases(): CorpusCase[] {
  const single = globSync("*.yaml", { cwd: corpusFolder }).map((file) => caseOf(file, "accepted"));
  const newer = globSync("newer/*.yaml", { cwd: corpusFolder }).map((file) => caseOf(file, "newer"));
  const refused = globSync("refused/*.yaml", { cwd: corpusFolder }).map((file) => caseOf(file, "refused"));
  const folders = globSync("*/compose.yaml", { cwd: corpusFolder }).map((file) => {
    const folder = join(corpusFolder, dirname(file));
    const files = ["compose.yaml", "override.yaml"].map((name) => join(folder, name)).filter(existsSync);
    return { name: dirname(file), files, kind: "accepted" as const };
  });
  return [...single, ...folders, ...newer, ...refused].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function caseOf(file: string, kind: CorpusCase["kind"]): CorpusCase {
  const folder = dirname(file) === "." ? "" : `${dirname(file)}/`;
  return { name: `${folder}${basename(file, ".yaml")}`, files: [join(corpusFolder, file)], kind };
}

export function readTextFile(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, "utf8") : undefined;
}

/** Loads files from disk; the project directory is the first file's folder. */
export function loadFromDisk(files: readonly string[]): LoadedCompose {
  return loadCompose({
    composeFiles: files,
    projectDirectory: dirname(files[0] ?? "/"),
    profiles: [],
    environment: corpusEnvironment,
    readText: readTextFile,
  });
}
