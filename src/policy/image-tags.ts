import { isMovingTag } from "../stack/version-tag.ts";
import type { Keeping } from "./image-retention.ts";

/** Which of the tags that a stack file names are for ever, and which follow the newest image. */
export function sortTags(
  written: string | undefined,
  aliases: readonly string[],
): { versions: string[]; aliases: string[] } {
  const moves = written === undefined || isMovingTag(written) || aliases.includes(written);
  return {
    versions: written === undefined || moves ? [] : [written],
    aliases: [...new Set([...(written !== undefined && moves ? [written] : []), ...aliases])],
  };
}

/** A tag in a registry, as far as retention looks at it. */
export type PushedTag = {
  repository: string;
  tag: string;
  kind: "version" | "alias";
  digest: string;
  imageDigest: string;
  at: number;
};

export type RetainedPush = {
  repository: string;
  digest: string;
  tags: readonly string[];
  keeping: Exclude<Keeping, "in use"> | "alias";
};

/**
 * What of our own pushes stays in our own registry and why: what any release of any stack needs, what an alias
 * points at, and the last of each repository. `needed` says it by the registry's digest as by the host's.
 */
export function retainPushes(
  tags: readonly PushedTag[],
  needed: ReadonlyMap<string, Keeping>,
  keepLast: number,
): RetainedPush[] {
  const groups = new Map<string, PushedTag[]>();
  for (const tag of tags) {
    const key = `${tag.repository}@${tag.digest}`;
    groups.set(key, [...(groups.get(key) ?? []), tag]);
  }
  const newest = new Map<string, string[]>();
  for (const { repository, digest } of [...tags].sort((a, b) => b.at - a.at)) {
    const last = newest.get(repository) ?? [];
    if (!last.includes(digest)) newest.set(repository, [...last, digest]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { repository, digest } = first;
    const reasons = new Set(group.flatMap((tag) => [needed.get(digest), needed.get(tag.imageDigest)]));
    const isLast = (newest.get(repository) ?? []).slice(0, keepLast).includes(digest);
    const keeping = reasons.has("live")
      ? "live"
      : reasons.has("warm")
        ? "warm"
        : group.some(({ kind }) => kind === "alias")
          ? "alias"
          : isLast || reasons.has("last")
            ? "last"
            : "removable";
    return [{ repository, digest, tags: group.map(({ tag }) => tag), keeping }];
  });
}
