import type { Alias, Document, Node, Pair, ParsedNode, YAMLMap } from "yaml";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import type { Problem } from "../problem.ts";
import type { Mapping, Path, Value } from "./values.ts";
import { formatPath, isMapping, newMapping } from "./values.ts";
import { resolvePlainScalar } from "./yaml-scalar.ts";

/** One YAML file: its documents as plain values, and where each key stands. */
export type YamlSource = {
  path: string;
  documents: readonly YamlDocument[];
  problems: readonly Problem[];
  positionAt: (offset: number) => { line: number; column: number };
};

export type YamlDocument = {
  value: Value;
  /** Paths tagged `!reset` or `!override`: what earlier files say there is dropped. */
  cleared: readonly Path[];
  root: Node | null;
  aliases: ReadonlyMap<Alias, Node>;
};

/** A document that grows beyond this many nodes through its aliases is refused ("billion laughs"). */
const maxNodes = 200_000;
const maxDepth = 100;

class TooLarge extends Error {}

/** Parses a Compose file; every syntax error and duplicate key becomes a problem with its position. */
export function parseYamlSource(path: string, text: string): YamlSource {
  const lines = new LineCounter();
  const positionAt = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems: Problem[] = [];
  const tell = (offset: number, code: string, message: string, at: Path = [], fix?: string) => {
    problems.push({
      severity: "error",
      code,
      message,
      path: formatPath(at),
      file: path,
      ...positionAt(offset),
      ...(fix === undefined ? {} : { fix }),
    });
  };
  let parsed: Document.Parsed<ParsedNode>[];
  try {
    const options = {
      schema: "failsafe",
      uniqueKeys: false,
      lineCounter: lines,
      prettyErrors: false,
    } as const;
    const result = parseAllDocuments(text.replace(/^\uFEFF/, ""), { ...options, logLevel: "silent" });
    parsed = "empty" in result ? [] : result;
  } catch (error) {
    // The parser recurses by nesting depth; only that can throw.
    tell(
      0,
      "INVALID_YAML",
      `cannot parse this YAML: ${error instanceof RangeError ? "nested too deeply" : String(error)}`,
    );
    return { path, documents: [], problems, positionAt };
  }
  const documents: YamlDocument[] = [];
  for (const document of parsed) {
    for (const error of document.errors.slice(0, 20)) {
      tell(error.pos[0], "INVALID_YAML", `this is not valid YAML: ${error.message}`);
    }
    const converted = document.errors.length === 0 ? convertDocument(document, tell) : undefined;
    if (converted) documents.push(converted);
  }
  return { path, documents, problems, positionAt };
}

type Tell = (offset: number, code: string, message: string, at?: Path, fix?: string) => void;

function convertDocument(document: Document.Parsed<ParsedNode>, tell: Tell): YamlDocument | undefined {
  const converter = new Converter(tell);
  try {
    const value = converter.convert(document.contents, []);
    return {
      value: value ?? null,
      cleared: converter.cleared,
      root: document.contents,
      aliases: converter.aliases,
    };
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    tell(
      document.contents?.range?.[0] ?? 0,
      "YAML_TOO_LARGE",
      error.message,
      [],
      "use fewer aliases or less nesting",
    );
    return undefined;
  }
}

class Converter {
  readonly cleared: Path[] = [];
  readonly aliases = new Map<Alias, Node>();
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  readonly #tell: Tell;
  #nodes = 0;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** `undefined`: the node is tagged `!reset` and leaves the model. */
  convert(node: Node | null, path: Path): Value | undefined {
    this.#nodes += 1;
    if (this.#nodes > maxNodes)
      throw new TooLarge(`aliases blow this file up to more than ${maxNodes} values`);
    if (path.length > maxDepth) throw new TooLarge(`values are nested more than ${maxDepth} levels deep`);
    if (node === null) return null;
    if (isAlias(node)) return this.#convertAlias(node, path);
    if ("anchor" in node && typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
    if (node.tag === "!reset" || node.tag === "!override") this.cleared.push(path);
    if (node.tag === "!reset") return undefined;
    if (isScalar(node)) {
      const text = typeof node.value === "string" ? node.value : "";
      const plain = node.type === "PLAIN" && (node.tag === undefined || node.tag.startsWith("!"));
      return plain ? resolvePlainScalar(text) : retag(text, node.tag);
    }
    this.#open.add(node);
    const value = isMap(node)
      ? this.#convertMap(node, path)
      : isSeq(node)
        ? this.#convertSeq(node.items, path)
        : null;
    this.#open.delete(node);
    return value;
  }

  #convertAlias(node: Alias, path: Path): Value | undefined {
    const target = this.#anchors.get(node.source);
    const offset = node.range?.[0] ?? 0;
    if (target === undefined) {
      this.#tell(offset, "UNKNOWN_ANCHOR", `there is no anchor \`&${node.source}\` before this alias`, path);
      return null;
    }
    if (this.#open.has(target)) {
      this.#tell(offset, "ALIAS_CYCLE", `the alias \`*${node.source}\` stands inside its own anchor`, path);
      return null;
    }
    this.aliases.set(node, target);
    return this.convert(target, path);
  }

  #convertSeq(items: readonly unknown[], path: Path): Value[] {
    const list: Value[] = [];
    items.forEach((item, index) => {
      const value = this.convert(item as Node | null, [...path, index]);
      if (value !== undefined) list.push(value);
    });
    return list;
  }

  #convertMap(node: YAMLMap, path: Path): Mapping {
    const mapping = newMapping();
    const seen = new Set<string>();
    const merges: Pair[] = [];
    for (const pair of node.items) {
      const key = this.#keyOf(pair, path);
      if (key === undefined) continue;
      if (seen.has(key)) {
        const offset = (pair.key as Node).range?.[0] ?? 0;
        this.#tell(
          offset,
          "DUPLICATE_KEY",
          `\`${key}\` is written twice in the same mapping`,
          [...path, key],
          "keep one of them",
        );
        continue;
      }
      seen.add(key);
      if (key === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN") {
        merges.push(pair);
        continue;
      }
      const value = this.convert(pair.value as Node | null, [...path, key]);
      if (value !== undefined) mapping[key] = value;
    }
    for (const pair of merges) this.#mergeInto(mapping, pair, path);
    return mapping;
  }

  /** Own keys win over merged ones; among merged mappings the earlier one wins. */
  #mergeInto(mapping: Mapping, pair: Pair, path: Path): void {
    const merged = this.convert(pair.value as Node | null, path);
    for (const source of Array.isArray(merged) ? merged : [merged ?? null]) {
      if (!isMapping(source)) {
        const offset = (pair.key as Node).range?.[0] ?? 0;
        this.#tell(
          offset,
          "INVALID_MERGE_KEY",
          "`<<` needs a mapping, an alias of one, or a list of them",
          path,
        );
        continue;
      }
      for (const key of Object.keys(source)) if (!(key in mapping)) mapping[key] = source[key] ?? null;
    }
  }

  #keyOf(pair: Pair, path: Path): string | undefined {
    const key = pair.key as Node | null;
    const resolved = isAlias(key)
      ? this.convert(key, path)
      : isScalar(key)
        ? this.convert(key, path)
        : undefined;
    if (typeof resolved === "string") return resolved;
    const offset = key?.range?.[0] ?? 0;
    const shown = isScalar(key) ? ` \`${String(key.value)}\`` : "";
    const fix = isScalar(key) ? `quote it: "${String(key.value)}"` : undefined;
    this.#tell(offset, "NON_STRING_KEY", `the key${shown} is not a string`, path, fix);
    return undefined;
  }
}

function retag(text: string, tag: string | undefined): Value {
  if (
    tag === "tag:yaml.org,2002:int" ||
    tag === "tag:yaml.org,2002:float" ||
    tag === "tag:yaml.org,2002:bool"
  ) {
    return resolvePlainScalar(text);
  }
  return tag === "tag:yaml.org,2002:null" ? null : text;
}
