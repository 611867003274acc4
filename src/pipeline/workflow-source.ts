import { type Document, isNode, LineCounter, parseDocument } from "yaml";

/** Something in a workflow file that is not done as written. */
export type Unsupported = {
  file: string;
  /** 1-based. */
  line: number;
  /** e.g. `jobs.build.steps[2].uses`; empty for the whole file. */
  path: string;
  /** One sentence without a trailing period, with what happens instead. */
  reason: string;
};

export type Keys = readonly (string | number)[];

/** A workflow file as plain values, and a list of what cannot be honoured in it. */
export type WorkflowSource = {
  file: string;
  value: unknown;
  unsupported: Unsupported[];
  tell: (keys: Keys, reason: string) => void;
};

const maxTextLength = 1_000_000;
/** A file that is wrong all over is told to be so, not line by line. */
const maxUnsupported = 200;

/** Parses a workflow file; what is not YAML is told and has no value. */
export function readSource(file: string, text: string): WorkflowSource {
  const unsupported: Unsupported[] = [];
  const add = (line: number, path: string, reason: string) => {
    // Every job of a matrix has the same to say.
    if (unsupported.some((one) => one.path === path && one.reason === reason)) return;
    if (unsupported.length < maxUnsupported) unsupported.push({ file, line, path, reason });
  };
  const fail = (line: number, reason: string): WorkflowSource => {
    add(line, "", reason);
    return { file, value: undefined, unsupported, tell: () => undefined };
  };
  if (text.length > maxTextLength) return fail(1, "the file is too long for a workflow, it is not read");
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "silent" });
    const error = document.errors[0];
    if (error !== undefined)
      return fail(
        Math.max(1, lines.linePos(error.pos[0]).line),
        `the file is not valid YAML: ${error.message}`,
      );
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    const tell = (keys: Keys, reason: string) => add(lineOf(document, lines, keys), pathText(keys), reason);
    return { file, value, unsupported, tell };
  } catch (error) {
    // Too deep, or aliases that multiply.
    return fail(1, `the file cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function lineOf(document: Document, lines: LineCounter, keys: Keys): number {
  for (let length = keys.length; length > 0; length -= 1) {
    const parent: unknown = document.getIn(keys.slice(0, length), true);
    const offset = isNode(parent) ? parent.range?.[0] : undefined;
    if (offset !== undefined) return Math.max(1, lines.linePos(offset).line);
  }
  return 1;
}

function pathText(keys: Keys): string {
  return keys.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text === "" ? key : `${text}.${key}`),
    "",
  );
}

export function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text, number or boolean as text. */
export function scalar(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

/** One text or a list of them. */
export function textList(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).flatMap((item) => scalar(item) ?? []);
}
