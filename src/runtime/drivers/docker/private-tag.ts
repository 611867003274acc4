/** Our own tag on a release's image: keeps `docker image prune` from taking it, and is found again when tags moved. */
export function privateTag(stack: string, service: string, digest: string): { repo: string; tag: string } {
  const safe = `${stack}-${service}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return {
    repo: `roadstead/${safe.replace(/^-+|-+$/g, "")}`,
    tag: digest.replace(/^sha256:/, "").slice(0, 12),
  };
}
