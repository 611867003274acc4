import { relative } from "node:path";
import { type CliContext, wantsColor } from "./context.ts";
import type { Invocation } from "./define-command.ts";
import { makeStyle, type Style } from "./render/style.ts";

/** The style of what a command prints on stdout. */
export function outStyle(context: CliContext): Style {
  return makeStyle(wantsColor(context.stdout, context.env));
}

/** The style of what it says on stderr. */
export function errStyle(context: CliContext): Style {
  return makeStyle(wantsColor(context.stderr, context.env));
}

/** The one place where a command answers: the model as JSON, or the same model as text. */
export function answer(invocation: Invocation, model: unknown, render: (style: Style) => string): void {
  const { context, json } = invocation;
  if (json) printJson(context, model);
  else context.stdout.write(render(outStyle(context)));
}

/** One JSON document on one line of stdout. */
export function printJson(context: CliContext, model: unknown): void {
  context.stdout.write(`${JSON.stringify(model)}\n`);
}

/** A line for people, on stderr, so that stdout stays a result. */
export function say(context: CliContext, text: string): void {
  context.stderr.write(`${text}\n`);
}

/** A path as somebody in `cwd` would type it. */
export function shortPath(cwd: string): (path: string) => string {
  return (path) => {
    const short = relative(cwd, path);
    return short === "" || short.startsWith("../../..") ? path : short;
  };
}
