import { composeServices, type LintRule } from "./rule.ts";

/**
 * Shell operators in an argv list (R-130). Exec form knows no shell, so `[node, migrate.js, "&&", node, server.js]`
 * passes `&&` to the first program and the second never starts. Compose splits a plain `command:` text into such a
 * list as well.
 */
export const shellOperators: LintRule = (context, tell) => {
  for (const [name, compose, service] of composeServices(context)) {
    const base = `services.${name}`;
    for (const key of ["command", "entrypoint"] as const) {
      report(compose[key] ?? [], `${base}.${key}`);
    }
    report(service.releaseJob?.argv ?? [], `${base}.x-roadstead.release.command`);
    report(
      compose.healthcheck?.test?.[0] === "CMD" ? compose.healthcheck.test.slice(1) : [],
      `${base}.healthcheck.test`,
    );
    const dockerfile = context.dockerfileOf(name);
    for (const { instruction, argv, line } of dockerfile?.facts.programs ?? []) {
      const overridden = compose.entrypoint != null || (instruction === "CMD" && compose.command != null);
      if (dockerfile && !overridden)
        report(argv, `${base}.build`, { file: dockerfile.path, line }, instruction);
    }
  }

  function report(
    argv: readonly string[],
    path: string,
    at?: { file: string; line: number },
    what?: string,
  ): void {
    const operator = operatorIn(argv);
    if (operator === undefined) return;
    tell("error", "SHELL_OPERATOR_IN_ARGV", {
      path,
      message: `\`${operator}\` ${what ? `in ${what} of the Dockerfile ` : ""}reaches ${argv[0]} as an argument; there is no shell that would act on it`,
      fix:
        operator === "&&" && argv.length > 3
          ? `move what is before && into \`x-roadstead: {release: {command: […]}}\`, or write [sh, -c, ${JSON.stringify(argv.join(" "))}]`
          : `write [sh, -c, ${JSON.stringify(argv.join(" "))}]`,
      ...(at === undefined ? {} : { at }),
    });
  }
};

const operators = new Set(["&&", "||", "|", ">", ">>", "2>&1", "2>", "&>"]);

function operatorIn(argv: readonly string[]): string | undefined {
  return argv.find((word, index) => {
    const script = /^-[a-z]*[ce]$/.test(argv[index - 1] ?? "");
    if (index === 0 || script) return false;
    // With a blank in it, it was quoted as one word: nginx -g "daemon off;".
    return operators.has(word) || (/^[^\s-]\S*;$/.test(word) && word.length > 1);
  });
}
