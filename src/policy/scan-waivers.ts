/** One line of the allow-list: a finding that somebody has looked at, until a day. */
export type Waiver = {
  kind: "secret" | "file" | "vulnerability" | "size" | "migration";
  /** `CVE-2024-1`, a path (a trailing `*` takes everything below), or a service's name for `size`. */
  what: string;
  /** First moment at which it no longer holds, epoch ms. */
  until: number;
  reason: string;
};

export type ReadWaivers = {
  waivers: readonly Waiver[];
  mistakes: readonly { line: number; message: string }[];
};

const shape = /^(secret|file|vulnerability|size|migration)\s+(\S+)\s+until\s+(\d{4}-\d{2}-\d{2})\s+#\s*(.+)$/;

/**
 * Reads an allow-list: `vulnerability CVE-2024-1 until 2027-01-31 # no fix yet`. Without a last day and a reason a line
 * allows nothing: an exception that nobody has to look at again is a hole.
 */
export function readWaivers(text: string): ReadWaivers {
  const waivers: Waiver[] = [];
  const mistakes: { line: number; message: string }[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const match = shape.exec(line);
    const until = match ? endOfDay(match[3] ?? "") : undefined;
    if (!match || until === undefined) {
      const message =
        "expected `<secret|file|vulnerability|size|migration> <what> until <YYYY-MM-DD> # <reason>`";
      mistakes.push({ line: index + 1, message });
      continue;
    }
    waivers.push({ kind: match[1] as Waiver["kind"], what: match[2] ?? "", until, reason: match[4] ?? "" });
  }
  return { waivers, mistakes };
}

/** The end of a named day in UTC: on its last day an exception still holds. Undefined when there is no such day. */
export function endOfDay(day: string): number | undefined {
  const start = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== day) return undefined;
  return start + 86_400_000;
}

/** Whether a pattern with an optional `*` at its end names this text. */
export function names(what: string, text: string): boolean {
  return what.endsWith("*") ? text.startsWith(what.slice(0, -1)) : what === text;
}
