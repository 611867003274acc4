import { splitReference } from "../image-family.ts";
import { composeServices, type LintRule } from "./rule.ts";

/** `latest` in production: nobody can say what it was last week. Releases pin the digest in any case. */
export const movingTags: LintRule = (context, tell) => {
  if (context.stack.environment !== "production") return;
  for (const [name, compose] of composeServices(context)) {
    if (compose.image === undefined || compose.build) continue;
    const { tag, digest } = splitReference(compose.image);
    if (digest !== undefined || (tag !== undefined && tag !== "latest")) continue;
    tell("warning", "MOVING_TAG", {
      path: `services.${name}.image`,
      message: `${compose.image} ${tag === undefined ? "has no tag, which means latest" : "is a moving tag"}: a redeploy may run something else`,
      fix: "write a version tag or a digest",
    });
  }
};
