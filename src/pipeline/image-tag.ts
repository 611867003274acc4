/** The longest tag that a registry takes (OCI distribution specification). */
const maxTagLength = 128;
const commitLength = 7;

/**
 * `<branch>-<short commit>` as a tag that every registry takes: what a tag may not hold becomes `-`, a long branch name
 * is cut. The commit keeps tags of different builds apart, whatever the branch is called.
 */
export function imageTag(branch: string, commit: string): string {
  const short = commit.toLowerCase().slice(0, commitLength);
  const room = maxTagLength - short.length - 1;
  const name = branch
    .replace(/^refs\/(heads|tags)\//, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.-]+/g, "-")
    .replaceAll(/-{2,}/g, "-")
    .slice(0, room)
    .replaceAll(/^[-.]+|[-.]+$/g, "");
  return name === "" ? short : `${name}-${short}`;
}
