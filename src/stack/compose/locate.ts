import type { Node, Pair, YAMLMap } from "yaml";
import { isAlias, isMap, isScalar, isSeq } from "yaml";
import type { Path } from "./values.ts";
import type { YamlDocument, YamlSource } from "./yaml-source.ts";

export type Position = { file: string; line: number; column: number };

/** Where a path, or as much of it as the document has, stands; `depth` is how many steps were found. */
export function locateInDocument(
  document: YamlDocument,
  path: Path,
): { offset: number; depth: number } | undefined {
  let node = target(document, document.root);
  if (node === null) return undefined;
  let offset = node.range?.[0] ?? 0;
  let depth = 0;
  for (const step of path) {
    const found = child(document, node, step);
    if (found === undefined) break;
    offset = found.offset;
    depth += 1;
    node = found.value;
  }
  return { offset, depth };
}

function target(document: YamlDocument, node: Node | null): Node | null {
  let current = node;
  for (let hops = 0; isAlias(current) && hops < 100; hops += 1)
    current = document.aliases.get(current) ?? null;
  return current;
}

type Found = { offset: number; value: Node | null };

function child(document: YamlDocument, node: Node | null, step: string | number): Found | undefined {
  if (isSeq(node) && typeof step === "number") {
    const item = node.items[step] as Node | null | undefined;
    return item === undefined ? undefined : { offset: item?.range?.[0] ?? 0, value: target(document, item) };
  }
  return isMap(node) ? entry(document, node, String(step), 0) : undefined;
}

function entry(document: YamlDocument, node: YAMLMap, key: string, depth: number): Found | undefined {
  const merges: Pair[] = [];
  for (const pair of node.items) {
    const name = target(document, pair.key as Node | null);
    if (!isScalar(name)) continue;
    if (name.value === key) {
      const value = target(document, pair.value as Node | null);
      return { offset: (pair.key as Node).range?.[0] ?? 0, value };
    }
    if (name.value === "<<") merges.push(pair);
  }
  if (depth > 20) return undefined;
  for (const pair of merges) {
    const merged = target(document, pair.value as Node | null);
    for (const item of isSeq(merged) ? merged.items : [merged]) {
      const mapping = target(document, item as Node | null);
      const found = isMap(mapping) ? entry(document, mapping, key, depth + 1) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}

type Layer = { source: YamlSource; document: YamlDocument; modelPath: Path; filePath: Path };

/** Knows which part of the merged model came from which document; later layers override earlier ones. */
export class Locator {
  readonly #layers: Layer[] = [];

  /** The model below `modelPath` was (also) written in `document` below `filePath`. */
  addLayer(source: YamlSource, document: YamlDocument, modelPath: Path = [], filePath: Path = []): void {
    this.#layers.push({ source, document, modelPath, filePath });
  }

  locate(path: Path): Position | undefined {
    let best: { layer: Layer; offset: number; depth: number } | undefined;
    for (const layer of this.#layers) {
      if (!layer.modelPath.every((step, index) => path[index] === step)) continue;
      const inFile = [...layer.filePath, ...path.slice(layer.modelPath.length)];
      const found = locateInDocument(layer.document, inFile);
      if (found === undefined || found.depth < layer.filePath.length) continue;
      const depth = found.depth - layer.filePath.length + layer.modelPath.length;
      if (best === undefined || depth >= best.depth) best = { layer, offset: found.offset, depth };
    }
    if (best === undefined) return undefined;
    return { file: best.layer.source.path, ...best.layer.source.positionAt(best.offset) };
  }
}

/** `services.web.ports[0]` -> `["services", "web", "ports", 0]`; names with dots are tried as they come. */
export function parsePath(text: string): (string | number)[] {
  const path: (string | number)[] = [];
  for (const [, key, index] of text.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    path.push(index === undefined ? (key ?? "") : Number(index));
  }
  return path;
}
