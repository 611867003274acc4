import type { EngineParts } from "../src/reconciler/parts.ts";

/** One JSON object a line, for people with `less` and for machines alike. */
export function jsonLog(stream: { write: (text: string) => unknown }): EngineParts["log"] {
  return (level, message, detail) => {
    stream.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...detail })}\n`);
  };
}
