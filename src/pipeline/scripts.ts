import type { Package } from "./read-packages.ts";

export type ScriptRole = "lint" | "types" | "test" | "build";

/** A script of a package that checks or builds something. */
export type CheckScript = { role: ScriptRole; script: string };

const typeNames = ["type-check", "typecheck", "types", "check-types", "check:types", "tsc"];

/** What to run of a package, in the order in which failures are the cheapest to find. */
export function scriptsOf(one: Package): CheckScript[] {
  const named = (role: ScriptRole, names: readonly string[]): CheckScript[] => {
    const script = names.find((name) => isReal(one, name));
    return script === undefined ? [] : [{ role, script }];
  };
  const types = named("types", typeNames);
  // `check` may be anything; it counts when it says that it checks types.
  const check = /\b(tsc|svelte-check|astro check|vue-tsc)\b/.test(textOf(one, "check") ?? "")
    ? ["check"]
    : [];
  return [
    ...named("lint", ["lint"]),
    ...(types.length > 0 ? types : named("types", check)),
    ...named("test", ["test"]),
    ...named("build", ["build"]),
  ];
}

/** The test leans on what the build writes, or builds by itself: it must not run beside other checks. */
export function buildsAsItRuns(one: Package, script: string): boolean {
  const text = commandOf(one, script);
  return /\btsc\s+(-b|--build)\b|(^|[\s/'"=])(dist|build|out|\.next|\.output)(\/|[\s'"]|$)|\brun build\b/.test(
    text,
  );
}

function isReal(one: Package, name: string): boolean {
  const text = textOf(one, name);
  if (text === undefined || text.trim() === "") return false;
  // What `npm init` writes.
  if (/Error: no test specified/.test(text)) return false;
  return !(one.isWorkspaceRoot && handsOver(text));
}

/** Only passes the script on to the members of the workspace, which have jobs of their own. */
function handsOver(text: string): boolean {
  if (/[;&|]/.test(text)) return false;
  return (
    /^\s*(npx\s+)?(turbo|nx|lerna)\s/.test(text) ||
    /^\s*npm\s.*(--workspaces|-ws)\b/.test(text) ||
    /^\s*pnpm\s.*(-r|--recursive|--filter)\b/.test(text) ||
    /^\s*yarn\s+workspaces\s/.test(text)
  );
}

/** A script with its `pre` script and the scripts that it runs, a few levels deep. */
function commandOf(one: Package, script: string): string {
  const texts: string[] = [];
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name) || seen.size > 20) return;
    seen.add(name);
    const text = textOf(one, name);
    if (text === undefined) return;
    texts.push(text);
    for (const [, other] of text.matchAll(/\b(?:npm|pnpm|yarn) (?:run )?([\w:.-]+)/g)) visit(other ?? "");
  };
  visit(`pre${script}`);
  visit(script);
  return texts.join("\n");
}

function textOf(one: Package, name: string): string | undefined {
  return Object.hasOwn(one.scripts, name) ? one.scripts[name] : undefined;
}
