import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Invocation } from "./define-command.ts";
import { CliError } from "./errors.ts";
import { say } from "./terminal.ts";

/** What `bin/recover.ts` found in the repository. */
export type RecoverOffer = {
  type: "offer";
  installation: string;
  snapshot: string;
  takenAt: number;
  verdict: string;
  data: readonly { scope: string; source: string; kind: string; takenAt: number; verdict: string }[];
  images: number;
};

type Line =
  | RecoverOffer
  | { type: "resume" }
  | { type: "line"; text: string }
  | { type: "done"; epoch: number; stacks: readonly string[] }
  | { type: "error"; code: string; message: string; hint?: string };

/** Runs the program that brings the home back; without `yes` it only looks. `resume`: the home is back already. */
export async function recoverHome(
  { context, settings, options }: Invocation,
  yes: boolean,
): Promise<{ offer?: RecoverOffer; resume: boolean }> {
  const passed = (["from", "keyFile", "installation", "snapshot"] as const).flatMap((name) => {
    const value = options.text(name);
    return value === undefined ? [] : [name === "keyFile" ? "--key-file" : `--${name}`, value];
  });
  const [program, ...args] = context.recoverHome;
  const argv = [...args, "--home", settings.home, ...passed, ...(yes ? ["--yes"] : [])];
  const child = spawn(program, argv, { stdio: ["ignore", "pipe", "inherit"], env: context.env });
  const stop = () => child.kill("SIGTERM");
  context.signal.addEventListener("abort", stop, { once: true });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 128));
  });
  let offer: RecoverOffer | undefined;
  let resume = false;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    if (line.type === "offer") offer = line;
    else if (line.type === "resume") resume = true;
    else if (line.type === "line") say(context, line.text);
    else if (line.type === "error") {
      await ended;
      const hint = line.hint === undefined ? {} : { hint: line.hint };
      throw new CliError(line.code, line.message, { exitCode: 1, ...hint });
    }
  }
  const code = await ended;
  context.signal.removeEventListener("abort", stop);
  if (code !== 0) throw new CliError("RECOVER_FAILED", `the recovery ended with exit code ${code}`);
  return { ...(offer ? { offer } : {}), resume };
}
