import type { Lookup } from "./interpolate.ts";
import { Locator } from "./locate.ts";
import { Report } from "./report.ts";
import type { Mapping, Path } from "./values.ts";
import { isMapping } from "./values.ts";
import type { YamlDocument, YamlSource } from "./yaml-source.ts";
import { parseYamlSource } from "./yaml-source.ts";

/** Variables that one set of files sees; an included project adds its own. */
export type Variables = { get: Lookup; all: ReadonlyMap<string, string> };

/** What all stages of one load share. */
export class LoadContext {
  readonly report = new Report();
  readonly locator = new Locator();
  readonly readText: (absolutePath: string) => string | undefined;
  readonly home: string | undefined;
  readonly #sources = new Map<string, YamlSource | undefined>();

  constructor(readText: (absolutePath: string) => string | undefined, home: string | undefined) {
    this.readText = readText;
    this.home = home;
  }

  /** The parsed file, read once; `undefined` when it does not exist. Its syntax problems are reported here. */
  source(path: string): YamlSource | undefined {
    if (this.#sources.has(path)) return this.#sources.get(path);
    const text = this.readText(path);
    const source = text === undefined ? undefined : parseYamlSource(path, text);
    this.#sources.set(path, source);
    for (const problem of source?.problems ?? []) this.report.add(problem);
    return source;
  }

  errorCount(): number {
    return this.report.problems.filter((problem) => problem.severity === "error").length;
  }
}

/** One document on its way into the model. */
export type Part = { source: YamlSource; document: YamlDocument };

/** Removes what a later document tags `!reset` or `!override` from the model so far, in place. */
export function clearPaths(model: Mapping, cleared: readonly Path[]): void {
  for (const path of cleared) {
    let node: Mapping | undefined = model;
    for (const step of path.slice(0, -1)) {
      const next: Mapping[string] | undefined = typeof step === "string" ? node?.[step] : undefined;
      node = isMapping(next) ? next : undefined;
    }
    const last = path.at(-1);
    if (node !== undefined && typeof last === "string") delete node[last];
  }
}
