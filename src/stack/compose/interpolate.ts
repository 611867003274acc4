/**
 * Variable substitution of the Compose Specification: `$VAR`, `${VAR}`, the modifiers `:-` `-` `:?` `?` `:+` `+`, nesting
 * in the modifier's word, and `$$` for a dollar sign. The word is always substituted, used or not, as the reference does.
 */
export type Lookup = (name: string) => string | undefined;

export type SubstitutionFault =
  | { kind: "unset"; variable: string }
  | { kind: "required"; variable: string; reason: string }
  | { kind: "invalid"; text: string };

const name = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const maxNesting = 50;

/** The text with all variables replaced; `fault` hears of unset variables (replaced by nothing) and of errors. */
export function substitute(
  text: string,
  lookup: Lookup,
  fault: (fault: SubstitutionFault) => void,
  nesting = 0,
): string {
  if (!text.includes("$")) return text;
  let out = "";
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) break;
    out += text.slice(at, dollar);
    const next = text[dollar + 1];
    if (next === "$") {
      out += "$";
      at = dollar + 2;
    } else if (next === "{") {
      const end = closingBrace(text, dollar);
      if (end === undefined || nesting > maxNesting) {
        fault({ kind: "invalid", text: text.slice(dollar) });
        return out;
      }
      out += substituteBraced(text.slice(dollar + 2, end), lookup, fault, nesting);
      at = end + 1;
    } else {
      const variable = nameAt(text, dollar + 1);
      out += variable === undefined ? "$" : lookUp(variable, lookup, fault);
      at = dollar + 1 + (variable?.length ?? 0);
    }
  }
  return out + text.slice(at);
}

function nameAt(text: string, at: number): string | undefined {
  name.lastIndex = at;
  return name.exec(text)?.[0];
}

function lookUp(variable: string, lookup: Lookup, fault: (fault: SubstitutionFault) => void): string {
  const value = lookup(variable);
  if (value === undefined) fault({ kind: "unset", variable });
  return value ?? "";
}

/** Braces nest; when they do not balance, the last brace of the line closes. */
function closingBrace(text: string, dollar: number): number | undefined {
  let open = 0;
  for (let at = dollar + 1; at < text.length && text[at] !== "\n"; at += 1) {
    if (text[at] === "{") open += 1;
    else if (text[at] === "}") {
      open -= 1;
      if (open === 0) return at;
    }
  }
  const lineEnd = text.indexOf("\n", dollar);
  const last = text.lastIndexOf("}", lineEnd < 0 ? text.length : lineEnd);
  return last > dollar ? last : undefined;
}

function substituteBraced(
  body: string,
  lookup: Lookup,
  fault: (fault: SubstitutionFault) => void,
  nesting: number,
): string {
  const variable = nameAt(body, 0);
  const rest = body.slice(variable?.length ?? 0);
  const modifier = /^:?[-+?]/.exec(rest)?.[0];
  if (variable === undefined || (rest !== "" && modifier === undefined)) {
    fault({ kind: "invalid", text: `\${${body}}` });
    return "";
  }
  if (modifier === undefined) return lookUp(variable, lookup, fault);
  const word = substitute(rest.slice(modifier.length), lookup, fault, nesting + 1);
  const value = lookup(variable);
  const present = value !== undefined && (modifier.length === 1 || value !== "");
  if (modifier.endsWith("-")) return present ? value : word;
  if (modifier.endsWith("+")) return present ? word : (value ?? "");
  if (!present) fault({ kind: "required", variable, reason: word });
  return value ?? "";
}
