import { canonicalJson, sha256 } from "../lib/hash.ts";
import type { Route, Service } from "../stack/stack.ts";

/** What a page asks for to learn the values of its environment. */
const fileName = "config.js";

/** A file beside a site's own, which the edge serves at its own path. */
export type SiteFile = { root: string; path: string; text: string };

/** The script with a static site's run-time values for one of its routes; undefined without any. */
export function siteFile(
  { site }: Pick<Service, "site">,
  route: Pick<Route, "path">,
  folder: string | undefined,
): SiteFile | undefined {
  if (site?.config === undefined || folder === undefined) return undefined;
  const path = `${route.path.replace(/\/$/, "")}/${fileName}`;
  const text = scriptOf(site.config);
  // Named by what is in it: the old release's values stay where the old release looks for them.
  return { root: `${folder}/${sha256(canonicalJson({ path, text })).slice(0, 32)}`, path, text };
}

/** `<` is escaped, so that no value ends the script of a page that takes this one in. */
function scriptOf(values: Readonly<Record<string, string>>): string {
  const json = canonicalJson(values).replaceAll("<", "\\u003c");
  return `globalThis.ROADSTEAD_CONFIG = Object.freeze(${json});\n`;
}
