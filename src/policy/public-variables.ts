import type { Problem } from "../stack/problem.ts";
import type { Stack } from "../stack/stack.ts";

/** What bundlers compile into files that every visitor gets. */
const publicName = /^(VITE_|NEXT_PUBLIC_|NUXT_PUBLIC_|REACT_APP_|PUBLIC_|EXPO_PUBLIC_|GATSBY_)/;
/** Switches of development; in a production build they open what should be closed. */
const developmentName = /(^|_)(IS_DEVELOPMENT|IS_DEV|DEV_MODE|DEBUG_MODE)$/;
const localAddress = /(^|[/@.\s,])(localhost|127(\.\d{1,3}){3}|0\.0\.0\.0|\[::1\])(?=[:/,\s]|$)/i;

/**
 * What is built into images or handed to every visitor: in production nothing of a developer's machine, nowhere the value of a secret
 * . `secrets` are the variables that the environment keeps secret, with their values.
 */
export function checkBuildVariables(
  stack: Pick<Stack, "services" | "environment">,
  secrets: Readonly<Record<string, string>>,
): Problem[] {
  const problems: Problem[] = [];
  for (const { name: service, compose, site } of stack.services) {
    const places: [string, Readonly<Record<string, string | null>>][] = [
      ["build.args", compose.build?.args ?? {}],
      ["x-roadstead.site.config", site?.config ?? {}],
    ];
    for (const [place, values] of places)
      for (const [name, value] of Object.entries(values)) {
        const given = { name, value: value ?? "", isBuilt: place === "build.args" };
        const found = checkOne(given, stack.environment, secrets);
        if (found)
          problems.push({ severity: "error", path: `services.${service}.${place}.${name}`, ...found });
      }
  }
  return problems;
}

type Finding = Pick<Problem, "code" | "message" | "fix">;

function checkOne(
  { name, value, isBuilt }: { name: string; value: string; isBuilt: boolean },
  environment: string,
  secrets: Readonly<Record<string, string>>,
): Finding | undefined {
  const held = Object.entries(secrets).find(([, secret]) => secret !== "" && value.includes(secret))?.[0];
  if (held !== undefined)
    return {
      code: "SECRET_IN_BUILD",
      message: isBuilt
        ? `the build argument ${name} holds the secret ${held}; everybody who has the image can read it`
        : `${name} holds the secret ${held}; every visitor can read it`,
      fix: `${isBuilt ? "use build.secrets" : "leave it out"}, or \`roadstead env set --plain ${held}=…\` if it may be public`,
    };
  if (environment !== "production") return undefined;
  if (developmentName.test(name) && /^(true|1|yes|on)$/i.test(value))
    return {
      code: "PUBLIC_VALUE_DENIED",
      message: `${name}=${value} would be ${isBuilt ? "built into" : "public in"} production`,
      fix: `set ${name} to false for this environment`,
    };
  if (publicName.test(name) && localAddress.test(value))
    return {
      code: "PUBLIC_VALUE_DENIED",
      message: `${name} would send every visitor's browser to its own machine: ${value}`,
      fix: `\`roadstead env set ${name}=https://…\``,
    };
  return undefined;
}

/** `.env` files that are committed: what is in a repository is in every clone of it, for ever. */
export function trackedEnvFiles(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    const name = path.split("/").at(-1) ?? "";
    return /^\.env(\..+)?$/.test(name) && !/\.(example|sample|template|dist|defaults?)$/.test(name);
  });
}
