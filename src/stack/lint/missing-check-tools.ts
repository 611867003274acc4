import { readHealthCommand } from "../health-command.ts";
import { imageFamily, splitReference } from "../image-family.ts";
import { namesOf } from "../references.ts";
import { composeServices, type LintRule } from "./rule.ts";

/** Health checks that need a program their image is known to lack, e.g. curl in `node:22-alpine`. */
export const missingCheckTools: LintRule = (context, tell) => {
  for (const [name, compose, { probe }] of composeServices(context)) {
    if (compose.image === undefined || compose.build || compose.healthcheck?.disable) continue;
    const command = readHealthCommand(
      compose.healthcheck?.test,
      compose.environment ?? {},
      namesOf(name, compose),
    );
    if (command === undefined || command.kind === "disabled") continue;
    const lacks = imageFamily(compose.image)?.lacks ?? [];
    if (!lacks.includes(command.tool)) continue;
    const { repository, tag = "latest" } = splitReference(compose.image);
    const inside = probe.kind === "exec";
    tell("warning", "CHECK_TOOL_MISSING", {
      path: `services.${name}.healthcheck.test`,
      message: `${repository}:${tag} has no ${command.tool}; ${inside ? "the check will fail" : "Roadstead probes from outside the image instead, but plain Docker Compose would call the service unhealthy"}`,
      fix: "add `x-roadstead: {health: {http: /healthz}}`, or use a program that the image has",
    });
  }
};
