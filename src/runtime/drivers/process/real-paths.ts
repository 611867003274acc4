/** A folder or file that the replica knows as `target` and that really lies at `source`. */
export type PathMapping = { target: string; source: string };

/**
 * A process has no mount namespace, so paths of volumes, secrets and the image's work folder are translated where
 * they are passed: in environment values and arguments. A path counts from a boundary to a boundary
 * (`file:/data/app.db`, `--db=/data`, `sqlite:///data/x`); the longest target wins.
 */
export function realPaths(text: string, mappings: readonly PathMapping[]): string {
  const useful = mappings.filter(({ target }) => target.startsWith("/") && target !== "/");
  if (useful.length === 0) return text;
  const sorted = [...useful].sort((a, b) => b.target.length - a.target.length);
  const targets = sorted.map(({ target }) =>
    target.replace(/\/$/, "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
  );
  const pattern = new RegExp(`(^|[=:,;\\s"'(@]|:\\/\\/)(${targets.join("|")})(?=$|[/:,;\\s"')?&])`, "g");
  return text.replace(pattern, (_whole, before: string, target: string) => {
    const mapping = sorted.find((candidate) => candidate.target.replace(/\/$/, "") === target);
    return before + (mapping?.source ?? target);
  });
}
