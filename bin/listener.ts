import { PlatformError } from "../src/lib/platform-error.ts";

/** `127.0.0.1:8080`, `[::1]:8080`, `0.0.0.0:80`. */
export function parseListener(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-f:.]+\]|[^:]+):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port > 65_535) {
    throw new PlatformError("BAD_ADDRESS", `${text} is not an address`, {
      hint: "Write it as 127.0.0.1:8080.",
    });
  }
  return { host: match[1].replace(/^\[|\]$/g, ""), port };
}
