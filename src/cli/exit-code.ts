/** What a script may rely on; the same for every command. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 130;

export const exitCodes: Readonly<Record<ExitCode, string>> = {
  0: "done",
  1: "the work failed, or a check found errors",
  2: "wrong usage: unknown option, missing argument, ambiguous stack",
  3: "not found: stack, service, release or file",
  4: "confirmation needed: ask again with --yes",
  130: "interrupted",
};

export const everyExitCode: readonly ExitCode[] = [0, 1, 2, 3, 4, 130];
