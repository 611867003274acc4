/** A parsed image name: `repository` with its registry as written, and the tag or digest asked for. */
export type ImageReference = { repository: string; tag?: string; digest?: string };

/** Parses `registry:5000/name:tag@sha256:…`. A missing tag means `latest`, unless there is a digest. */
export function parseReference(text: string): ImageReference {
  const [name = "", digest] = text.split("@");
  const colon = name.lastIndexOf(":");
  const tagged = colon > name.lastIndexOf("/");
  const repository = tagged ? name.slice(0, colon) : name;
  const tag = tagged ? name.slice(colon + 1) : digest === undefined ? "latest" : undefined;
  return { repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The registry host a repository lives on: its first part when that looks like a host, Docker Hub otherwise. */
export function registryOf(repository: string): string {
  const [first = "", ...rest] = repository.split("/");
  const isHost = rest.length > 0 && (first.includes(".") || first.includes(":") || first === "localhost");
  return isHost ? first : "docker.io";
}

/** One spelling per repository, as the engine does it: `postgres` is `docker.io/library/postgres`. */
export function canonicalRepository(repository: string): string {
  const registry = registryOf(repository);
  const path = repository.startsWith(`${registry}/`) ? repository.slice(registry.length + 1) : repository;
  return registry === "docker.io" && !path.includes("/")
    ? `docker.io/library/${path}`
    : `${registry}/${path}`;
}
