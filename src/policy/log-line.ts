/** Levels of a log line, from worst to least; the names that loggers use for them. */
export type LineLevel = "fatal" | "error" | "warn" | "info" | "debug" | "trace";

const names: Readonly<Record<string, LineLevel>> = {
  ...{ fatal: "fatal", panic: "fatal", critical: "fatal", crit: "fatal", emerg: "fatal", emergency: "fatal" },
  ...{ alert: "fatal", error: "error", err: "error", severe: "error", warn: "warn", warning: "warn" },
  ...{ info: "info", information: "info", notice: "info", log: "info", http: "info", debug: "debug" },
  ...{ verbose: "debug", trace: "trace", silly: "trace" },
};

/** Only the beginning of a line says its level. */
const looked = 400;
const inJson = /"(?:level|severity|lvl|log\.level|levelname|@level)"\s*:\s*(?:"([A-Za-z]{3,11})"|(\d{1,3}))/;
const inLogfmt = /(?:^|\s)(?:level|lvl|severity)=["']?([A-Za-z]{3,11})\b/;
const inBrackets = /\[\s*([A-Za-z]{3,11})\s*\]/;
const capitals =
  /(?:^|[\s|[(])(FATAL|PANIC|CRITICAL|CRIT|EMERG|ALERT|ERROR|ERR|WARN|WARNING|INFO|NOTICE|LOG|DEBUG|VERBOSE|TRACE)(?=$|[\s:|\])])/;
const begins = /^(?:Uncaught )?(?:[\w.]*(Error|Exception)\b(?=[:\s([])|(error|fatal|panic|warn|warning)\s*:)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals' colours begin with one
const colours = /\u001b\[[0-9;]*m/g;

/** The level that a line gives itself: as JSON (pino's numbers, winston's names), as logfmt, or as a word in capitals. */
export function levelOfLine(line: string): LineLevel | undefined {
  const head = line.slice(0, looked);
  if (head.startsWith("{")) {
    const [, word, number] = inJson.exec(head) ?? [];
    if (number !== undefined) return ofNumber(Number(number));
    if (word !== undefined) return names[word.toLowerCase()];
  }
  const text = head.includes("\u001b") ? head.replace(colours, "") : head;
  const named = inLogfmt.exec(text)?.[1] ?? inBrackets.exec(text.slice(0, 80))?.[1];
  const level = named === undefined ? undefined : names[named.toLowerCase()];
  if (level !== undefined) return level;
  const word = capitals.exec(text.slice(0, 120))?.[1];
  if (word !== undefined) return names[word.toLowerCase()];
  const [, thrown, prefix] = begins.exec(text) ?? [];
  if (thrown !== undefined) return "error";
  return prefix === undefined ? undefined : names[prefix];
}

/** Pino's and bunyan's: 10 to 60. */
function ofNumber(value: number): LineLevel | undefined {
  if (value < 10) return undefined;
  const steps: readonly LineLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];
  return steps[Math.min(6, Math.floor(value / 10)) - 1];
}

const requestId = /req(?:uest)?[-_. ]?id["']?\s*[=:]\s*["']?([A-Za-z0-9._:-]{6,128})/i;

/** The id of the request that a line is about, when the line names it: `"requestId":"…"`, `request_id=…`, `X-Request-Id: …`. */
export function requestIdOfLine(line: string): string | undefined {
  return requestId.exec(line)?.[1];
}

/**
 * What two lines of the same fault have in common: without times, numbers, ids, addresses, quoted values and paths'
 * variable parts. Of a JSON line its message counts, and its error's.
 */
export function normalisedMessage(line: string): string {
  return messageIn(line)
    .replace(colours, "")
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, "<time>")
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>")
    .replaceAll(/\b(?=[a-f]*\d)[0-9a-f]{12,}\b/gi, "<id>")
    .replaceAll(/"[^"]{0,200}"|'[^']{0,200}'/g, "<text>")
    .replaceAll(/\b\d+(?:\.\d+)*(?=\b|[a-zµ]{1,2}\b)/g, "<n>")
    .replaceAll(/(?:<n>[.:]?){2,}/g, "<n>")
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, 300);
}

function messageIn(line: string): string {
  if (!line.startsWith("{")) return line;
  try {
    const { msg, message, err, error } = JSON.parse(line) as Record<string, unknown>;
    const parts = [msg ?? message, messageOfError(err ?? error)].filter(
      (part) => typeof part === "string" && part !== "",
    );
    return parts.length === 0 ? line : [...new Set(parts)].join(": ");
  } catch {
    // Cut short, or no JSON after all.
    return line;
  }
}

function messageOfError(error: unknown): unknown {
  return typeof error === "object" && error !== null && "message" in error ? error.message : error;
}
