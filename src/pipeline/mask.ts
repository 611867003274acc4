/** What stands in a log in place of a secret. */
export const maskText = "***";

/** Shorter values would blank out half the log and tell everybody what they are by where the gaps stand. */
const minLength = 4;
/** More forms than this are not looked for; a job with so many secrets is told, see `unmasked`. */
const maxForms = 5000;

export type Masker = {
  /** A whole line, without its line break; one call per line, in any order, from any number of streams. */
  mask: (line: string) => string;
  /** Secrets that may show in a log, and why; to be told once, before the first line. */
  unmasked: readonly { name: string; reason: string }[];
};

/**
 * Masks the values of secrets in log lines, also where they stand in Base64, URL-encoded or JSON-escaped. The lines of
 * a value with several are masked one by one, so that nothing needs to be held back between two lines. Best effort by
 * nature: a job that wants to show a secret can always spell it differently.
 */
export function makeMasker(secrets: Readonly<Record<string, string>>): Masker {
  const forms = new Set<string>();
  const unmasked: { name: string; reason: string }[] = [];
  for (const [name, value] of Object.entries(secrets)) {
    if (value === "") continue;
    const reason = forms.size >= maxForms ? "there are too many secrets to look for" : addForms(value, forms);
    if (reason !== undefined) unmasked.push({ name, reason });
  }
  if (forms.size === 0) return { mask: (line) => line, unmasked };
  // Longest first: a value that contains another must not leave its rest behind.
  const sorted = [...forms].toSorted((a, b) => b.length - a.length);
  const pattern = new RegExp(
    sorted.map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|"),
    "g",
  );
  return { mask: (line) => line.replace(pattern, maskText), unmasked };
}

/** Why a part of the value is not masked, if so. */
function addForms(value: string, forms: Set<string>): string | undefined {
  const lines = value.split(/\r\n|\r|\n/).map((line) => line.trim());
  const parts = lines.filter((line) => line.length >= minLength);
  for (const part of parts) for (const form of formsOf(part)) forms.add(form);
  if (lines.length > 1) for (const form of formsOf(value)) if (!/[\r\n]/.test(form)) forms.add(form);
  if (value.trim().length < minLength) return `it is shorter than ${minLength} characters`;
  return lines.some((line) => line !== "" && line.length < minLength)
    ? `a line of it is shorter than ${minLength} characters`
    : undefined;
}

function formsOf(value: string): string[] {
  const bytes = new TextEncoder().encode(value);
  const url = encodeURIComponent(value.toWellFormed());
  return [
    value,
    ...[0, 1, 2].flatMap((offset) => base64Core(bytes, offset)),
    url,
    url.replaceAll("%20", "+"),
    url.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    JSON.stringify(value).slice(1, -1),
  ].filter((form) => form.length >= minLength);
}

/**
 * What of the value shows in Base64 when `offset` bytes stand before it, modulo three: the first and last characters
 * mix with the neighbours', those between are the same wherever the value stands, e.g. in a Basic header.
 */
function base64Core(bytes: Uint8Array, offset: number): string[] {
  const padded = new Uint8Array(bytes.length + offset);
  padded.set(bytes, offset);
  const whole = base64(padded).replaceAll("=", "");
  const start = offset === 0 ? 0 : offset + 1;
  const end = padded.length % 3 === 0 ? whole.length : whole.length - 1;
  const core = whole.slice(start, end);
  if (core.length < 6) return [];
  const exact = offset === 0 ? [base64(bytes)] : [];
  return [...exact, core].flatMap((text) => [text, text.replaceAll("+", "-").replaceAll("/", "_")]);
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
