import { endOfDay } from "../../../policy/scan-waivers.ts";
import { isGeneratedSecret, isPrivateKey, secretRules } from "./secret-rules.ts";

/** Longer lines are made by machines; only their beginning is looked at. */
const maxLine = 8_192;
const maxFindingsAFile = 50;
const allowMark = /roadstead:allow-secret\s+until\s+(\d{4}-\d{2}-\d{2})\s+\S/;

export type LineFinding = { rule: string; line: number; allowedUntil?: number };

/**
 * Secrets in a text by line. `roadstead:allow-secret until 2027-01-31 reason` in a comment on the line, or on the one
 * before it, is handed on: whether it still holds is not decided here.
 */
export function scanText(text: string, options: { variables: boolean }): LineFinding[] {
  const found: LineFinding[] = [];
  let before = "";
  const lines = text.split("\n");
  for (const [index, raw] of lines.entries()) {
    const number = index + 1;
    const line = raw.slice(0, maxLine);
    const rule =
      secretRules.find(({ pattern }) => pattern.test(line))?.name ??
      (isPrivateKey(line, lines[number]?.slice(0, maxLine) ?? "") ? "private-key" : undefined) ??
      (options.variables && isGeneratedSecret(line) ? "generated-secret" : undefined);
    if (rule !== undefined) {
      const allowedUntil = allowedBy(line) ?? allowedBy(before);
      found.push({ rule, line: number, ...(allowedUntil === undefined ? {} : { allowedUntil }) });
      if (found.length >= maxFindingsAFile) break;
    }
    before = line;
  }
  return found;
}

function allowedBy(line: string): number | undefined {
  const day = allowMark.exec(line)?.[1];
  return day === undefined ? undefined : endOfDay(day);
}
