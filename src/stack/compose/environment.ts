import type { EnvFileContent } from "./dotenv.ts";
import { parseEnvFile, parseRawEnvFile } from "./dotenv.ts";
import type { Lookup } from "./interpolate.ts";
import type { LoadContext, Variables } from "./load-context.ts";
import type { Path } from "./values.ts";

type TellFile = (code: string, message: string, fix?: string) => void;

/** `outer` plus the variables of these `.env` files; what `outer` has already wins. */
export function readEnvFiles(
  context: LoadContext,
  outer: Variables,
  files: readonly string[],
  tellMissing: TellFile,
): Variables {
  const own = new Map<string, string>();
  for (const file of files) {
    const text = context.readText(file);
    if (text === undefined) {
      tellMissing("FILE_NOT_FOUND", `the env file ${file} does not exist`, "create it or correct the path");
      continue;
    }
    const content = parseEnvFile(text, (name) => outer.get(name) ?? own.get(name));
    tellFaults(context, file, content, []);
    for (const [name, value] of content.variables) own.set(name, value);
  }
  const all = new Map([...own, ...outer.all]);
  return { all, get: (name) => outer.get(name) ?? own.get(name) };
}

export type VariableFile = { path: string; format?: string; raw: boolean };

/** The variables of a service's `env_file` or `label_file`; `undefined` when it does not exist. */
export function readVariableFile(
  context: LoadContext,
  file: VariableFile,
  lookup: Lookup,
  at: Path,
): Map<string, string> | undefined {
  const text = context.readText(file.path);
  if (text === undefined) return undefined;
  const content = file.raw ? parseRawEnvFile(text, lookup) : parseEnvFile(text, lookup);
  tellFaults(context, file.path, content, at);
  return content.variables;
}

function tellFaults(context: LoadContext, file: string, content: EnvFileContent, at: Path): void {
  for (const fault of content.faults) {
    context.report.add({
      severity: "error",
      code: "INVALID_ENV_FILE",
      message: fault.message,
      path: at.join("."),
      file,
      line: fault.line,
      column: 1,
    });
  }
}
