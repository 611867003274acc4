const levels = ["error", "warn", "info", "debug", "trace"] as const;

export type Level = (typeof levels)[number];
export type Log = (level: Level, message: string, fields?: Record<string, unknown>) => void;

/** `RUST_LOG=info` as the bot always had it; `bot=debug,info` means debug here. Unknown words mean info. */
export function readLevel(text: string | undefined): Level {
  const words = (text ?? "").toLowerCase().split(/[,=\s]+/);
  return levels.find((level) => words.includes(level) && words[0] !== "off") ?? "info";
}

/** One JSON line for each event on standard output; never a token, never the text of a message. */
export function createLog(level: Level, write = (line: string): unknown => process.stdout.write(line)): Log {
  const threshold = levels.indexOf(level);
  return (at, message, fields = {}) => {
    if (levels.indexOf(at) <= threshold)
      write(`${JSON.stringify({ time: new Date().toISOString(), level: at, message, ...fields })}\n`);
  };
}
