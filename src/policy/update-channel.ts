import { canonicalRepository, parseReference } from "../stack/image-reference.ts";
import type { UpdateChannel, UpdatePolicy } from "../stack/stack.ts";
import { parseVersionTag, type VersionTag } from "../stack/version-tag.ts";

/**
 * The tag that a channel leads to. Versions are compared within one variant (`1.4-alpine` never becomes `1.5`) and one
 * length (`1.4` never becomes `1.4.1`); pre-releases are variants, so nobody gets one unasked. Undefined: none.
 */
export function tagOfChannel(
  channel: UpdateChannel,
  current: string,
  tags: readonly string[],
): string | undefined {
  switch (channel.kind) {
    case "pinned":
      return undefined;
    case "tag":
      return channel.tag;
    case "patch":
    case "minor":
      return highest(channel.kind, current, tags);
  }
}

/** Only versions need the list of tags. */
export function needsTags(channel: UpdateChannel): boolean {
  return channel.kind === "patch" || channel.kind === "minor";
}

function highest(kind: "patch" | "minor", current: string, tags: readonly string[]): string | undefined {
  const now = parseVersionTag(current);
  if (!now) return undefined;
  const fixed = kind === "minor" ? 1 : 2;
  let best = { tag: current, version: now };
  for (const tag of tags) {
    const version = parseVersionTag(tag);
    if (!version || !isAlike(version, now)) continue;
    if (version.numbers.slice(0, fixed).some((part, index) => part !== now.numbers[index])) continue;
    if (compare(version, best.version) > 0) best = { tag, version };
  }
  return best.tag;
}

function isAlike(one: VersionTag, other: VersionTag): boolean {
  return (
    one.prefix === other.prefix &&
    one.variant === other.variant &&
    one.numbers.length === other.numbers.length
  );
}

function compare(one: VersionTag, other: VersionTag): number {
  for (const [index, part] of one.numbers.entries()) {
    const difference = part - (other.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether updates may come from a repository. */
export function isAllowed(policy: UpdatePolicy, repository: string): boolean {
  if (policy.allow === undefined) return true;
  const name = canonicalRepository(repository);
  return policy.allow.some((entry) =>
    entry.endsWith("*")
      ? name.startsWith(canonicalRepository(entry.slice(0, -1)))
      : name === canonicalRepository(parseReference(entry).repository),
  );
}

export type UpdateFacts = {
  /** What runs. */
  current: string;
  /** What the channel leads to now; undefined: the registry does not have it. */
  newest: string | undefined;
  /** Rolled out before, and it failed or was withdrawn. */
  bad: readonly string[];
  /** Nothing is rolled out by itself now. */
  frozen: boolean;
  /** What those say who have to approve it; absent: nobody has to, or somebody did. */
  approval?: "waiting" | "rejected";
};

export type UpdateVerdict = "current" | "absent" | "bad" | "awaiting" | "rejected" | "frozen" | "update";

/** What to do about the newest image of a channel. */
export function judgeUpdate({ current, newest, bad, frozen, approval }: UpdateFacts): UpdateVerdict {
  if (newest === undefined) return "absent";
  if (newest === current) return "current";
  if (bad.includes(newest)) return "bad";
  if (approval) return approval === "waiting" ? "awaiting" : "rejected";
  return frozen ? "frozen" : "update";
}
