import type { CommandSpec, Invocation } from "../define-command.ts";
import type { ExitCode } from "../exit-code.ts";

export const gitCredentialCommand: CommandSpec = {
  name: "git-credential",
  summary: "Give git the API token of this control plane",
  description:
    "Speaks git's credential helper protocol; `roadstead push --remote` sets it up. Answers `get`, ignores the rest.",
  arguments: [{ name: "[operation]", description: "get, store or erase, as git says" }],
  examples: [{ command: "roadstead git-credential get", meaning: "what git is told" }],
  json: "document",
  exits: [1],
  run: async ({ context, settings, words }: Invocation): Promise<ExitCode> => {
    if (words[0] !== "get") return 0;
    if (settings.token === undefined) return 1;
    context.stdout.write(`username=roadstead\npassword=${settings.token}\n`);
    return 0;
  },
};
