import { type Permission, permissionMeanings, roleHas, roles } from "../policy/permissions.ts";
import { type Endpoint, type Subject, subjectOf } from "./contract/endpoint.ts";
import { apiTable } from "./contract/table.ts";

/** Where the generated page is kept, from the repository's root. */
export const permissionsFile = "docs/permissions.md";

const subjects: Readonly<Record<Subject, string>> = {
  scope: "its stack and environment",
  source: "the whole stack",
  run: "the run's stack and environment",
  deployment: "the deployment's stack and environment",
  freeze: "what the freeze is about",
  platform: "everything",
  anywhere: "anything: the answer holds what the caller may see",
};

/** `docs/permissions.md`: the roles, and what every call of the API needs. A unit test compares the two. */
export function permissionsPage(): string {
  const names = Object.keys(permissionMeanings) as (keyof typeof permissionMeanings)[];
  const endpoints = Object.values(apiTable).flatMap((group) => Object.values<Endpoint>(group));
  return [
    "# Who may do what",
    "",
    "Written from the code by `npm run docs`. A role counts on one stack and environment, on a stack, or everywhere.",
    "",
    ...table(
      ["Permission", "To", ...roles],
      names.map((one) => [
        `\`${one}\``,
        permissionMeanings[one],
        ...roles.map((role) => (roleHas(role, one) ? "✓" : "")),
      ]),
    ),
    "",
    "## Every call",
    "",
    "`self`: whoever is signed in, about themselves. What somebody may not read answers 404, what they may not do 403.",
    "",
    ...table(
      ["Call", "Needs", "On"],
      endpoints.map((endpoint) => [
        `\`${endpoint.method} ${endpoint.path}\``,
        needsText(endpoint.needs),
        endpoint.needs === undefined || endpoint.needs === "self" ? "" : subjects[subjectOf(endpoint)],
      ]),
    ),
    "",
  ].join("\n");
}

function needsText(needs: Permission | undefined): string {
  return needs === undefined ? "nothing" : `\`${needs}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}
