import { readFile } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { canonicalJson, sha256 } from "../../../lib/hash.ts";
import type { ComposeBuild } from "../../../stack/compose-model.ts";
import { baseImages } from "../../build-context/base-images.ts";
import { hashContext, listContext } from "../../build-context/snapshot.ts";
import type { ImageRequest } from "../../port.ts";

/** The builder must look for itself: what decides lies outside of context, Dockerfile and base images. */
const unpredictable = [
  "additional_contexts",
  "no_cache",
  "pull",
  "ssh",
  "privileged",
  "entitlements",
] as const;

/**
 * Same key, same image, as far as the builder's own layer cache would say so too: contents of the context, recipe,
 * arguments and the base images that the engine has. Secrets do not count, as they do not in the layer cache.
 * `undefined`: it cannot be told without building.
 */
export async function buildKey(
  request: ImageRequest,
  imageId: (name: string) => Promise<string | undefined>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { build, platform } = request.compose;
  if (build === undefined || !isAbsolute(build.context)) return undefined;
  if ((build.secrets ?? []).some(({ source }) => request.buildSecrets?.[source] === undefined))
    return undefined;
  if (unpredictable.some((key) => build[key] !== undefined)) return undefined;
  const dockerfile = build.dockerfile ?? "Dockerfile";
  const text = build.dockerfile_inline ?? (await readText(resolve(build.context, dockerfile)));
  const bases = text === undefined ? undefined : baseImages(text, build.args ?? {});
  if (bases === undefined) return undefined;
  const ids: Record<string, string> = {};
  for (const base of bases) {
    const id = await imageId(base);
    if (id === undefined) return undefined;
    ids[base] = id;
  }
  const entries = await listContext(build.context, dockerfile, signal);
  const contents = await hashContext(build.context, entries, signal);
  const { tags: _tags, context: _context, ...recipe } = build;
  return sha256(
    canonicalJson({ contents, text, recipe, platform, ids, inherited: inheritedArguments(build) }),
  );
}

/** `args: [NAME]` takes the value of the control plane's own environment. */
function inheritedArguments(build: ComposeBuild): Record<string, string> {
  const names = Object.entries(build.args ?? {}).flatMap(([name, value]) => (value === null ? [name] : []));
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? ""]));
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}
