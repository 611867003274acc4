import { styleText } from "node:util";

/** How one model looks in a terminal or in plain text: the words are the same, only colour differs. */
export type Style = {
  color: boolean;
  good: Paint;
  bad: Paint;
  warn: Paint;
  dim: Paint;
  bold: Paint;
  accent: Paint;
  /** A colour that stays the same for the same name. */
  named: (name: string) => Paint;
};

type Paint = (text: string) => string;
type Format = Parameters<typeof styleText>[0];

const serviceColors: readonly Format[] = [
  "cyan",
  "magenta",
  "green",
  "blue",
  "yellow",
  "cyanBright",
  "magentaBright",
];

export function makeStyle(color: boolean): Style {
  const paint = (format: Format): Paint =>
    color ? (text) => styleText(format, text, { validateStream: false }) : (text) => text;
  return {
    color,
    good: paint("green"),
    bad: paint("red"),
    warn: paint("yellow"),
    dim: paint("dim"),
    bold: paint("bold"),
    accent: paint("cyan"),
    named: (name) => paint(serviceColors[sumOf(name) % serviceColors.length] ?? "cyan"),
  };
}

export const plainStyle: Style = makeStyle(false);

function sumOf(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return sum;
}
