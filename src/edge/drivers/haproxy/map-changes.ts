import { payloads } from "./admin-socket.ts";
import type { MapEntries } from "./render-maps.ts";

/** Sends one command line and returns HAProxy's answer. */
export type Send = (command: string) => Promise<string>;

/**
 * Replaces a map (or an ACL's list, with `kind` "acl") in one step: requests see all of the old or all of the new.
 * Throws when HAProxy does not open a new version.
 */
export async function replaceEntries(
  send: Send,
  kind: "map" | "acl",
  file: string,
  lines: readonly string[],
): Promise<void> {
  const answer = await send(`prepare ${kind} ${file}`);
  const version = /New version created: (\d+)/.exec(answer)?.[1];
  if (version === undefined) throw new Error(`prepare ${kind} ${file}: ${answer.trim()}`);
  // Only maps take many entries at once.
  const entries = kind === "map" ? payloads(lines).map((piece) => `<<\n${piece}`) : lines;
  for (const entry of entries) {
    const said = (await send(`add ${kind} @${version} ${file} ${entry}`)).trim();
    if (said !== "") throw new Error(`add ${kind} ${file}: ${said}`);
  }
  const said = (await send(`commit ${kind} @${version} ${file}`)).trim();
  if (said !== "") throw new Error(`commit ${kind} ${file}: ${said}`);
}

export function mapLines(entries: MapEntries): string[] {
  return entries.map(([key, value]) => `${key} ${value}`);
}

/** Parses `show map` or `show acl`: an address in memory, then the entry. */
export function parseEntries(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [, entry] = /^0x[0-9a-f]+ (.*)$/.exec(line) ?? [];
    return entry === undefined ? [] : [entry];
  });
}

export function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join("\n") === [...b].sort().join("\n");
}
