import { canonicalRepository, parseReference } from "../../../stack/image-reference.ts";
import type { HeldImage, ImageOnHost } from "../../port.ts";
import { refusedWith } from "./client.ts";
import type { ImageInspect } from "./engine-types.ts";
import type { DockerHost } from "./host.ts";
import { privateTag } from "./private-tag.ts";

type ImageSummary = { Id: string; RepoTags?: string[] | null; Size: number };

/** The images on this host that bear our private tag of one of these; one look at the engine for all. */
export async function heldImages(
  host: DockerHost,
  known: readonly HeldImage[],
  signal: AbortSignal,
): Promise<ImageOnHost[]> {
  const filters = JSON.stringify({ reference: ["roadstead/*"] });
  const images = await host.client.json<ImageSummary[]>({
    method: "GET",
    path: "/images/json",
    query: { filters },
    signal,
  });
  const containers = await host.client.json<{ ImageID: string }[]>({
    method: "GET",
    path: "/containers/json",
    query: { all: true },
    signal,
  });
  const used = new Set(containers.map(({ ImageID }) => ImageID));
  const byTag = new Map(
    images.flatMap((image) => (image.RepoTags ?? []).map((tag) => [tag, image] as const)),
  );
  return known.flatMap((one) => {
    const image = byTag.get(ownName(one));
    return image ? [{ ...one, sizeBytes: image.Size, inUse: used.has(image.Id) }] : [];
  });
}

/** Without force the engine itself refuses to remove what a container uses, stopped ones included. */
export async function dropImage(host: DockerHost, image: HeldImage, signal: AbortSignal): Promise<boolean> {
  const id = (await inspect(host, ownName(image), signal))?.Id;
  if (id === undefined) return true;
  if (!(await remove(host, ownName(image), signal))) return false;
  const left = await inspect(host, id, signal);
  const pulled = left && onlyPulledName(left, image);
  // What was pulled by digest still has that name, and nobody but the release asked for it.
  if (pulled !== undefined) await remove(host, pulled, signal);
  return true;
}

/** The one name left, if it is the digest that the release was pulled by. A tag is somebody's wish to keep it. */
function onlyPulledName(left: ImageInspect, { reference, digest }: HeldImage): string | undefined {
  const [name, ...others] = left.RepoDigests ?? [];
  if ((left.RepoTags ?? []).length > 0 || name === undefined || others.length > 0) return undefined;
  const parsed = parseReference(name);
  const wanted = canonicalRepository(parseReference(reference).repository);
  return parsed.digest === digest && canonicalRepository(parsed.repository) === wanted ? name : undefined;
}

async function remove(host: DockerHost, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    // `noprune`: parents without a tag may be somebody else's.
    await host.client.send({
      method: "DELETE",
      path: `/images/${encoded(name)}`,
      query: { noprune: true },
      signal,
    });
    return true;
  } catch (error) {
    if (refusedWith(error, 404)) return true;
    if (refusedWith(error, 409)) return false;
    throw error;
  }
}

async function inspect(
  host: DockerHost,
  name: string,
  signal: AbortSignal,
): Promise<ImageInspect | undefined> {
  try {
    return await host.client.json({ method: "GET", path: `/images/${encoded(name)}/json`, signal });
  } catch (error) {
    if (refusedWith(error, 404)) return undefined;
    throw error;
  }
}

function ownName({ stack, service, digest }: HeldImage): string {
  const { repo, tag } = privateTag(stack, service, digest);
  return `${repo}:${tag}`;
}

function encoded(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}
