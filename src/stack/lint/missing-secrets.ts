import type { LintRule } from "./rule.ts";

/** Secrets and configs whose content is not there, all at once and before anything starts. */
export const missingSecrets: LintRule = (context, tell) => {
  for (const file of context.stack.files) {
    const state = context.contentState(file);
    if (state === undefined || state === "present") continue;
    const { source } = file;
    const path = `${file.kind}s.${file.name}`;
    const place =
      source.from === "file"
        ? `the file ${source.path}`
        : source.from === "environment"
          ? `the variable ${source.variable}`
          : `the store of this installation`;
    const lack =
      state === "empty" ? "is empty" : source.from === "external" ? "does not know it" : "is missing";
    tell(state === "empty" && file.kind === "config" ? "warning" : "error", "CONTENT_MISSING", {
      path,
      message: `${file.kind} ${file.name} has no content: ${place} ${lack}`,
      fix:
        source.from === "external"
          ? `run \`roadstead secrets set ${file.name}\``
          : source.from === "file"
            ? "write the file"
            : "set the variable",
    });
  }
};
