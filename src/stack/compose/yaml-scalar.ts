/**
 * The type of a plain YAML scalar as the reference implementation's parser (go-yaml v3) resolves it: `yes` stays text,
 * `0777` is octal, `1_000` is a number, a bare date becomes the text of that instant.
 */
export function resolvePlainScalar(text: string): string | number | boolean | null {
  switch (text) {
    case "":
    case "~":
    case "null":
    case "Null":
    case "NULL":
      return null;
    case "true":
    case "True":
    case "TRUE":
      return true;
    case "false":
    case "False":
    case "FALSE":
      return false;
  }
  const first = text.charCodeAt(0);
  const digit = first >= 48 && first <= 57;
  const sign = first === 43 || first === 45 || first === 46;
  if (!digit && !sign) return text;
  return numberFromParts(text) ?? dateText(text) ?? text;
}

/** A date or timestamp is printed the way Go prints a time. */
function dateText(text: string): string | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return undefined;
  const [, year, month, day] = match;
  const lengths = [31, Number(year) % 4 === 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const length = lengths[Number(month) - 1];
  if (length === undefined || Number(day) < 1 || Number(day) > length) return undefined;
  return `${text} 00:00:00 +0000 UTC`;
}

const float = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/;
const special: Record<string, number> = {
  ".inf": Number.POSITIVE_INFINITY,
  ".Inf": Number.POSITIVE_INFINITY,
  ".INF": Number.POSITIVE_INFINITY,
  "+.inf": Number.POSITIVE_INFINITY,
  "+.Inf": Number.POSITIVE_INFINITY,
  "+.INF": Number.POSITIVE_INFINITY,
  "-.inf": Number.NEGATIVE_INFINITY,
  "-.Inf": Number.NEGATIVE_INFINITY,
  "-.INF": Number.NEGATIVE_INFINITY,
  ".nan": Number.NaN,
  ".NaN": Number.NaN,
  ".NAN": Number.NaN,
};

/** A YAML 1.1/1.2 number in any of its spellings; `undefined` when the text is none. */
function numberFromParts(text: string): number | undefined {
  if (Object.hasOwn(special, text)) return special[text];
  const plain = text.replaceAll("_", "");
  const integer = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[1-9]\d*|0)$/.exec(plain);
  if (integer) {
    const digits = integer[2] ?? "";
    const value = Number(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
    return integer[1] === "-" ? -value : value;
  }
  return float.test(plain) ? Number(plain) : undefined;
}
