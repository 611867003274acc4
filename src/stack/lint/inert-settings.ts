import type { LintRule } from "./rule.ts";

/** Settings that are checked and kept, but that this version does not act on: nobody must rely on them unawares. */
export const inertSettings: LintRule = (context, tell) => {
  for (const { name, releaseJob } of context.stack.services) {
    if (releaseJob?.snapshot) warn(`services.${name}.x-roadstead.release.snapshot`, "snapshot");
  }

  function warn(path: string, key: string): void {
    tell("warning", "SETTING_WITHOUT_EFFECT", {
      path,
      message: `${key} is kept, but this version does not act on it`,
      fix: "do it by other means for now",
    });
  }
};
