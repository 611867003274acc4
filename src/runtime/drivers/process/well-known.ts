/** Images that stand for a program of this machine, by repository name without registry and tag. */
const kinds: Readonly<Record<string, "node" | "postgres" | "redis">> = {
  node: "node",
  postgres: "postgres",
  redis: "redis",
  valkey: "redis",
  "valkey/valkey": "redis",
  "redis/redis": "redis",
};

export type WellKnown = {
  kind: "node" | "postgres" | "redis";
  /** `valkey` and `redis` speak the same protocol; the wanted program comes first in the search. */
  program: string;
  /** Major version that the tag asks for, if it starts with a number. */
  major?: number;
};

/** `docker.io/library/postgres:16.4-alpine@sha256:…` -> postgres, 16. `undefined` for an image we know nothing of. */
export function wellKnown(reference: string): WellKnown | undefined {
  const [name = "", tag = ""] = splitReference(reference);
  const short = name.replace(
    /^(docker\.io|index\.docker\.io|mirror\.gcr\.io|public\.ecr\.aws\/docker)\//,
    "",
  );
  const repository = short.replace(/^library\//, "");
  const kind = kinds[repository];
  if (kind === undefined) return undefined;
  const major = /^(\d+)/.exec(tag)?.[1];
  return {
    kind,
    program: repository.split("/").at(-1) ?? repository,
    ...(major === undefined ? {} : { major: Number(major) }),
  };
}

function splitReference(reference: string): [string, string] {
  const named = reference.split("@")[0] ?? "";
  const colon = named.lastIndexOf(":");
  return colon > named.lastIndexOf("/") ? [named.slice(0, colon), named.slice(colon + 1)] : [named, "latest"];
}
