import { imageFamily } from "../image-family.ts";
import { secretName } from "../secret-name.ts";
import { composeServices, type LintRule } from "./rule.ts";

const password = /(^|_)(PASS|PASSWD|PASSWORD|SECRET)($|_)/i;
const emptyInUrl = /\b([a-z][a-z0-9+.-]*):\/\/([^\s/@:]*):@/i;

/** What a database image wants to be told before it initialises: any one of these. */
const wanted: Readonly<Record<string, readonly string[]>> = {
  postgres: ["POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE", "POSTGRES_HOST_AUTH_METHOD"],
  mysql: [
    "MYSQL_ROOT_PASSWORD",
    "MYSQL_ROOT_PASSWORD_FILE",
    "MYSQL_RANDOM_ROOT_PASSWORD",
    "MYSQL_ALLOW_EMPTY_PASSWORD",
  ],
  mariadb: [
    "MARIADB_ROOT_PASSWORD",
    "MARIADB_ROOT_PASSWORD_FILE",
    "MARIADB_ROOT_PASSWORD_HASH",
    "MARIADB_RANDOM_ROOT_PASSWORD",
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "MYSQL_ROOT_PASSWORD_FILE",
    "MYSQL_RANDOM_ROOT_PASSWORD",
    "MYSQL_ALLOW_EMPTY_PASSWORD",
  ],
};

/** Passwords that are empty: the service would start and fail its health check, or run without protection. */
export const emptyPasswords: LintRule = (context, tell) => {
  const severity = context.stack.environment === "production" ? "error" : "warning";
  for (const [name, compose] of composeServices(context)) {
    const base = `services.${name}`;
    for (const [variable, value] of Object.entries(compose.environment ?? {})) {
      const path = `${base}.environment.${variable}`;
      const empty = (value ?? "").trim() === "";
      if (empty && secretName.test(variable)) {
        tell(password.test(variable) ? severity : "warning", "EMPTY_PASSWORD", {
          path,
          message: `${variable} is ${value === null ? "not set" : "empty"}`,
          fix: `set ${variable} in the environment or in .env before deploying`,
        });
      } else if (emptyInUrl.test(value ?? "")) {
        tell(severity, "EMPTY_PASSWORD", {
          path,
          message: `the address in ${variable} has an empty password`,
          fix: "set the variable that the password comes from",
        });
      }
    }
    for (const key of ["command", "entrypoint"] as const) {
      const argv = compose[key] ?? [];
      const at = argv.findIndex((word) => word === "--requirepass" || word === "--masterauth");
      if (at >= 0 && (argv[at + 1] ?? "").trim() === "") {
        tell(severity, "EMPTY_PASSWORD", {
          path: `${base}.${key}`,
          message: `${argv[at]} is given no password`,
          fix: "set the variable that the password comes from",
        });
      }
    }
    const needs = wanted[compose.image && !compose.build ? (imageFamily(compose.image)?.name ?? "") : ""];
    if (needs && !needs.some((variable) => variable in (compose.environment ?? {}))) {
      tell("error", "DATABASE_PASSWORD_MISSING", {
        path: `${base}.environment`,
        message: `${compose.image} does not start without ${needs[0]}`,
        fix: `set ${needs[0]} or ${needs[1]}`,
      });
    }
  }
};
