import type { Problem } from "../problem.ts";
import type { Position } from "./locate.ts";
import { locateInDocument } from "./locate.ts";
import type { Path } from "./values.ts";
import { formatPath } from "./values.ts";
import type { YamlDocument, YamlSource } from "./yaml-source.ts";

/** Tells one problem; the path is what the position is looked up with. */
export type Tell = (code: string, message: string, path: Path, fix?: string) => void;

/** Collects every problem of a load, each once. */
export class Report {
  readonly problems: Problem[] = [];
  readonly #seen = new Set<string>();

  add(problem: Problem): void {
    const key = `${problem.code}|${problem.path}|${problem.file}|${problem.line}|${problem.message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.problems.push(problem);
  }

  /** Errors at positions of one document. */
  errorsIn(source: YamlSource, document: YamlDocument): Tell {
    return (code, message, path, fix) =>
      this.add(problemAt("error", source, document, [code, message, path, fix]));
  }

  warningsIn(source: YamlSource, document: YamlDocument): Tell {
    return (code, message, path, fix) =>
      this.add(problemAt("warning", source, document, [code, message, path, fix]));
  }

  /** Errors of the merged model, whose positions come from whichever file says it last. */
  errorsOf(locate: (path: Path) => Position | undefined): Tell {
    return (code, message, path, fix) =>
      this.add({
        severity: "error",
        code,
        message,
        path: formatPath(path),
        ...(locate(path) ?? {}),
        ...(fix === undefined ? {} : { fix }),
      });
  }
}

function problemAt(
  severity: Problem["severity"],
  source: YamlSource,
  document: YamlDocument,
  [code, message, path, fix]: [string, string, Path, string | undefined],
): Problem {
  const found = locateInDocument(document, path);
  return {
    severity,
    code,
    message,
    path: formatPath(path),
    file: source.path,
    ...source.positionAt(found?.offset ?? 0),
    ...(fix === undefined ? {} : { fix }),
  };
}
