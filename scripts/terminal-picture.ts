/**
 * Turns terminal output with ANSI colours (stdin) into an SVG (stdout), so that pictures in the documentation are what
 * a command really printed: `FORCE_COLOR=1 ./roadstead deploy 2>&1 | node scripts/terminal-picture.ts "$ roadstead deploy"`.
 */
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";

const cell = { width: 8.43, height: 19 };
const margin = 18;
const bar = 34;
const colors: Readonly<Record<number, string>> = {
  31: "#ff7b72",
  32: "#7ee787",
  33: "#e3b341",
  34: "#79c0ff",
  35: "#d2a8ff",
  36: "#56d4dd",
  90: "#8b949e",
  95: "#e2b6ff",
  96: "#8ae6ee",
};

const dimColor = "#8b949e";

type Look = { color?: string; bold: boolean; dim: boolean };

/** The line as SVG text spans; only colour, bold and dim of SGR are used by our CLI. */
function spans(line: string): string {
  let look: Look = { bold: false, dim: false };
  let column = 0;
  let drawn = "";
  for (const [index, part] of line.split("\u001b[").entries()) {
    const end = index === 0 ? 0 : part.indexOf("m") + 1;
    for (const code of end === 0
      ? []
      : part
          .slice(0, end - 1)
          .split(";")
          .map(Number))
      look = applied(look, code);
    const content = part.slice(end);
    if (content !== "") drawn += span(content, look, column);
    column += content.length;
  }
  return drawn;
}

function applied(look: Look, code: number): Look {
  if (code === 0) return { bold: false, dim: false };
  if (code === 1) return { ...look, bold: true };
  if (code === 2) return { ...look, dim: true };
  if (code === 22) return { ...look, bold: false, dim: false };
  if (code === 39) return { bold: look.bold, dim: look.dim };
  const color = colors[code];
  return color === undefined ? look : { ...look, color };
}

function span(content: string, look: Look, column: number): string {
  const attributes = [
    `x="${(margin + column * cell.width).toFixed(1)}"`,
    `textLength="${(content.length * cell.width).toFixed(1)}"`,
    look.color === undefined && !look.dim ? "" : `fill="${look.color ?? dimColor}"`,
    look.bold ? 'font-weight="bold"' : "",
  ];
  return `<tspan ${attributes.filter((a) => a !== "").join(" ")}>${escapeXml(content)}</tspan>`;
}

function escapeXml(content: string): string {
  return content.replace(/[&<>"]/g, (letter) => `&#${letter.codePointAt(0)};`);
}

function picture(lines: readonly string[], title: string): string {
  const columns = Math.max(60, title.length, ...lines.map((line) => stripVTControlCharacters(line).length));
  const width = Math.ceil(columns * cell.width + 2 * margin);
  const height = bar + lines.length * cell.height + margin;
  const rows = lines.map(
    (line, index) =>
      `<text y="${bar + (index + 1) * cell.height - 4}" xml:space="preserve">${spans(line)}</text>`,
  );
  const dots = ["#ff5f57", "#febc2e", "#28c840"].map(
    (color, index) => `<circle cx="${18 + index * 18}" cy="17" r="5.5" fill="${color}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
${dots.join("")}<text x="${width / 2}" y="21" text-anchor="middle" fill="#8b949e" font-family="system-ui, sans-serif" font-size="13">${escapeXml(title)}</text>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3">
${rows.join("\n")}
</g>
</svg>
`;
}

const [title = ""] = process.argv.slice(2);
const input = (await text(process.stdin)).replaceAll("\r", "").trimEnd();
process.stdout.write(picture(input.split("\n"), title));
