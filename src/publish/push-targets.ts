import { sortTags } from "../policy/image-tags.ts";
import type { ComposeModel, ComposeService } from "../stack/compose-model.ts";
import { parseReference } from "../stack/image-reference.ts";
import { readSettings } from "../stack/x-roadstead.ts";

/** Where the image that is built for a service goes, and under which names. */
export type PushTarget = {
  service: string;
  repository: string;
  /** Written in the stack file: for this image alone. */
  versions: readonly string[];
  aliases: readonly string[];
};

/** What the stack file says about pushing, for the services that are built. */
export function pushTargets(model: ComposeModel, environment: string): PushTarget[] {
  const { stack, services } = readSettings(model, environment, () => undefined);
  return Object.entries(model.services).flatMap(([service, compose]) => {
    const { push, tags = [] } = services[service]?.image ?? {};
    if (compose.build === undefined || push === false) return [];
    const repository =
      typeof push === "string"
        ? push
        : push
          ? writtenRepository(compose)
          : stack.registry && underRegistry(stack.registry, { stack: model.name, service, compose });
    if (repository === undefined) return [];
    const written = compose.image === undefined ? undefined : parseReference(compose.image);
    // A tag of another repository says nothing about this one; `latest` that nobody wrote is none.
    const isSame = written?.repository === repository && /:[^/]+$/.test(compose.image ?? "");
    return [{ service, repository, ...sortTags(isSame ? written.tag : undefined, tags) }];
  });
}

function writtenRepository({ image }: ComposeService): string | undefined {
  return image === undefined ? undefined : parseReference(image).repository;
}

function underRegistry(
  registry: string,
  { stack, service, compose }: { stack: string; service: string; compose: ComposeService },
): string {
  const base = registry.replace(/\/+$/, "");
  const written = writtenRepository(compose);
  if (written?.startsWith(`${base}/`)) return written;
  return `${base}/${[stack, service].map(asPath).join("/")}`;
}

function asPath(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
}
