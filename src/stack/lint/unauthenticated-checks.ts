import { composeServices, type LintRule } from "./rule.ts";

/**
 * `redis-cli ping` without a password at a server with one: the answer is NOAUTH, which redis-cli reports with
 * exit code 0 (https://redis.io/docs/latest/develop/tools/cli/: `-e` changes that), so the check proves nothing.
 */
export const unauthenticatedChecks: LintRule = (context, tell) => {
  for (const [name, compose] of composeServices(context)) {
    const test = (compose.healthcheck?.test ?? []).join(" ");
    const program = [...(compose.entrypoint ?? []), ...(compose.command ?? [])].join(" ");
    const asks =
      /\b(redis|valkey)-cli\b/.test(test) && !/(^|\s)(-a|--pass|-u)(\s|=)|REDISCLI_AUTH/.test(test);
    const guarded = /--requirepass\b/.test(program) && compose.environment?.["REDISCLI_AUTH"] === undefined;
    if (!asks || !guarded) continue;
    tell("warning", "CHECK_UNAUTHENTICATED", {
      path: `services.${name}.healthcheck.test`,
      message:
        "the server wants a password, but the check gives none: redis-cli counts the refusal as success",
      fix: "set REDISCLI_AUTH in `environment` to the password, and add `| grep PONG` to a CMD-SHELL check",
    });
  }
};
