import { cleanPath } from "../lib/posix-path.ts";
import { mapping, scalar } from "./workflow-source.ts";

/** What an action of a step comes to: something for the job, or a reason why it is left out. */
export type ActionEffect = { caches?: readonly string[]; artefacts?: readonly string[]; reason?: string };

const packageCaches: Readonly<Record<string, string>> = {
  npm: "~/.npm",
  pnpm: "~/.local/share/pnpm/store",
  yarn: "~/.cache/yarn",
};

/** The actions that say no more than a run does anyway, or that a job has a word for. */
export function actionEffect(uses: string, settings: unknown): ActionEffect {
  const name = /^(?:https?:\/\/[^/]+\/)?([\w.-]+\/[\w.-]+)(?:@[^\s]*)?$/.exec(uses)?.[1]?.toLowerCase();
  const given = mapping(settings);
  switch (name) {
    case "actions/checkout": {
      const other = ["repository", "ref", "path", "submodules", "lfs"].filter((key) => {
        const value = scalar(given[key]);
        return value !== undefined && value !== "" && value !== "false";
      });
      return other.length === 0
        ? {}
        : {
            reason: `a run has its commit checked out already; ${other.join(", ")} of the action is not honoured`,
          };
    }
    case "actions/setup-node": {
      const manager = scalar(given["cache"]) ?? "";
      const cache = Object.hasOwn(packageCaches, manager) ? packageCaches[manager] : undefined;
      return cache === undefined ? {} : { caches: [cache] };
    }
    case "pnpm/action-setup":
      return {};
    case "actions/cache":
      return keep("caches", given["path"]);
    case "actions/upload-artifact":
      return keep("artefacts", given["path"]);
    default:
      return { reason: `the action ${uses} is not known here, the step is left out` };
  }
}

/** Paths one per line, those outside the repository and the home left out. */
function keep(what: "caches" | "artefacts", value: unknown): ActionEffect {
  const paths = (scalar(value) ?? "")
    .split("\n")
    .map((path) => path.trim())
    .filter((path) => path !== "");
  const fine = paths.filter((path) => {
    const home = path.startsWith("~/");
    const clean = cleanPath(home ? path.slice(2) : path);
    if (home && what === "artefacts") return false;
    return !/^(\/|\.\.(\/|$)|~|!)/.test(clean) && !clean.includes("${{");
  });
  const reason =
    fine.length < paths.length
      ? { reason: "paths outside the repository, exclusions and expressions are left out" }
      : {};
  return { [what]: fine.map((path) => (path.startsWith("~/") ? path : cleanPath(path))), ...reason };
}
