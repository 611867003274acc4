/** A tag that names one version: `1.4.2`, `v2.0`, `16.3-alpine`. What follows the numbers is the variant. */
export type VersionTag = { prefix: string; numbers: readonly number[]; variant: string };

/** `undefined` for tags that are no version, and for a bare major one such as `16`, which moves with every minor. */
export function parseVersionTag(tag: string): VersionTag | undefined {
  const match = /^(v?)(\d{1,9}(?:\.\d{1,9}){1,3})((?:[-_+][\w.-]+)?)$/.exec(tag);
  if (!match) return undefined;
  const [, prefix = "", numbers = "", variant = ""] = match;
  return { prefix, numbers: numbers.split(".").map(Number), variant };
}

/** Whether a tag is meant to point elsewhere tomorrow: `latest`, `main`, `16`; not `1.2.3` or `main-abc1234`. */
export function isMovingTag(tag: string): boolean {
  const namesCommit = /(?:^|[-_])(?=[0-9a-f]*\d)[0-9a-f]{7,40}$/.test(tag);
  return parseVersionTag(tag) === undefined && !namesCommit;
}
