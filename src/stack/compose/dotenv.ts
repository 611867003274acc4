import type { Lookup } from "./interpolate.ts";
import { substitute } from "./interpolate.ts";

/**
 * The `.env` dialect of the Compose Specification: `KEY=value`, `KEY: value`, `export`, comments, single quotes (literal),
 * double quotes (escapes, variables, several lines), bare keys inherited from the environment.
 */
export type EnvFault = { line: number; message: string };

export type EnvFileContent = { variables: Map<string, string>; faults: readonly EnvFault[] };

const space = /[\t\v\f\r \u0085\u00a0]/;
const keyCharacter = /[\p{L}\p{N}_.\-[\]]/u;

/** Parses a `.env` file; `lookup` wins over variables set earlier in the same file. */
export function parseEnvFile(text: string, lookup: Lookup): EnvFileContent {
  const parser = new EnvParser(text.replace(/^\uFEFF/, ""), lookup);
  parser.parse();
  return { variables: parser.variables, faults: parser.faults };
}

/** `format: raw`: every line `KEY=value` is taken as it stands, without quotes, escapes or variables. */
export function parseRawEnvFile(text: string, lookup: Lookup): EnvFileContent {
  const variables = new Map<string, string>();
  const faults: EnvFault[] = [];
  text.split("\n").forEach((raw, index) => {
    const line = raw.replace(/\r$/, "").replace(/^\s+/, "");
    if (line === "" || line.startsWith("#")) return;
    const at = line.indexOf("=");
    const key = at < 0 ? line : line.slice(0, at);
    if (key === "" || /\s/.test(key)) {
      faults.push({ line: index + 1, message: `\`${key}\` is not a variable name` });
    } else if (at >= 0) {
      variables.set(key, line.slice(at + 1));
    } else {
      const inherited = lookup(key);
      if (inherited !== undefined) variables.set(key, inherited);
    }
  });
  return { variables, faults };
}

class EnvParser {
  readonly variables = new Map<string, string>();
  readonly faults: EnvFault[] = [];
  readonly #text: string;
  readonly #lookup: Lookup;
  #at = 0;

  constructor(text: string, lookup: Lookup) {
    this.#text = text;
    this.#lookup = (key) => lookup(key) ?? this.variables.get(key);
  }

  parse(): void {
    while (this.#skipToStatement()) {
      const key = this.#readKey();
      if (key === undefined) return;
      if (key.inherited) {
        const value = this.#lookup(key.name);
        if (value !== undefined) this.variables.set(key.name, value);
        continue;
      }
      const value = this.#readValue();
      if (value === undefined) return;
      this.variables.set(key.name, value);
    }
  }

  #fail(message: string, at = this.#at): undefined {
    this.faults.push({ line: this.#text.slice(0, at).split("\n").length, message });
    return undefined;
  }

  #skipToStatement(): boolean {
    const statement = /[^\s#]|#[^\n]*/gu;
    statement.lastIndex = this.#at;
    for (let match = statement.exec(this.#text); match; match = statement.exec(this.#text)) {
      if (match[0].startsWith("#")) continue;
      this.#at = match.index;
      return true;
    }
    return false;
  }

  #readKey(): { name: string; inherited: boolean } | undefined {
    const exported = /export\s+/y;
    exported.lastIndex = this.#at;
    if (exported.test(this.#text)) this.#at += 6;
    while (space.test(this.#text[this.#at] ?? "")) this.#at += 1;
    const start = this.#at;
    for (let at = start; at < this.#text.length; at += 1) {
      const character = this.#text[at] ?? "";
      if (space.test(character)) continue;
      if (character === "=" || character === ":" || character === "\n") {
        const key = this.#text.slice(start, at).trimEnd();
        if (key.includes(" ")) return this.#fail(`the variable name \`${key}\` holds a space`, start);
        this.#at = at + 1;
        while (space.test(this.#text[this.#at] ?? "")) this.#at += 1;
        return { name: key, inherited: character === "\n" };
      }
      if (!keyCharacter.test(character)) {
        const line = this.#text.slice(start).split("\n")[0] ?? "";
        return this.#fail(
          `unexpected character \`${character}\` in the variable name \`${line.slice(0, 40)}\``,
          at,
        );
      }
    }
    // A last line without an equals sign and without a line break: a bare name, inherited like any other.
    const key = this.#text.slice(start).trimEnd();
    this.#at = this.#text.length;
    return { name: key, inherited: true };
  }

  #readValue(): string | undefined {
    const quote = this.#text[this.#at];
    if (quote === '"' || quote === "'") return this.#readQuoted(quote);
    const end = this.#text.indexOf("\n", this.#at);
    const line = this.#text.slice(this.#at, end < 0 ? undefined : end);
    const start = this.#at;
    this.#at = end < 0 ? this.#text.length : end + 1;
    const comment = line.indexOf(" #");
    return this.#expand((comment < 0 ? line : line.slice(0, comment)).trimEnd(), start);
  }

  #readQuoted(quote: string): string | undefined {
    const start = this.#at;
    let value = "";
    for (let at = start + 1; at < this.#text.length; at += 1) {
      const character = this.#text[at] ?? "";
      const next = this.#text[at + 1];
      if (character === "\\" && next !== undefined) {
        value += next === quote ? quote : character + next;
        at += 1;
      } else if (character === quote) {
        this.#at = at + 1;
        return quote === '"' ? this.#expand(expandEscapes(value), start) : value;
      } else {
        value += character;
      }
    }
    return this.#fail(`the quote ${quote} is never closed`, start);
  }

  #expand(value: string, at: number): string | undefined {
    let failed: string | undefined;
    const expanded = substitute(value, this.#lookup, (fault) => {
      if (fault.kind === "required")
        failed = `required variable ${fault.variable} is missing a value: ${fault.reason}`;
      if (fault.kind === "invalid") failed = `invalid variable reference \`${fault.text.slice(0, 60)}\``;
    });
    return failed === undefined ? expanded : this.#fail(failed, at);
  }
}

const escapes: Record<string, string> = {
  a: "\x07",
  b: "\b",
  c: "\\c",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  $: "$$",
};

function expandEscapes(text: string): string {
  return text.replace(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (whole, letter?: string, digits?: string) => {
    if (letter !== undefined) return escapes[letter] ?? whole;
    if (digits === undefined || !/^[0-7]{3}$/.test(digits)) return whole;
    const code = Number.parseInt(digits, 8);
    return code > 255 ? whole : String.fromCharCode(code);
  });
}
