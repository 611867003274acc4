type Fields = Readonly<Record<string, unknown>>;

function write(level: "info" | "warn" | "error", text: string, fields: Fields): void {
  const line = JSON.stringify({ at: new Date().toISOString(), level, text, ...fields });
  (level === "info" ? process.stdout : process.stderr).write(`${line}\n`);
}

/** One JSON object a line. Tokens, cookies and connection strings are never passed in. */
export const log = {
  info: (text: string, fields: Fields = {}) => write("info", text, fields),
  warn: (text: string, fields: Fields = {}) => write("warn", text, fields),
  error: (text: string, fields: Fields = {}) => write("error", text, fields),
};

export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return reasonOf(error.errors[0] ?? "unknown");
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed"; why stands in its cause.
  return error.cause instanceof Error ? `${error.message}: ${reasonOf(error.cause)}` : error.message;
}
