/**
 * What is wrong with a stack file, in the one form that check, the API and the dashboard show.
 * Every problem of a file set is reported at once; an error stops a deployment, a warning does not.
 */
export type Problem = {
  severity: "error" | "warning";
  /** Stable, upper snake case, e.g. `UNKNOWN_KEY`; listed in docs/problems.md. */
  code: string;
  /** One sentence, without a trailing period, that says what is wrong and what was expected. */
  message: string;
  /** Compose path, e.g. `services.web.ports[0]`; empty for the whole file. */
  path: string;
  file?: string;
  /** 1-based. */
  line?: number;
  /** 1-based. */
  column?: number;
  /** What to write instead. */
  fix?: string;
};

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === "error");
}
