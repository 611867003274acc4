import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { recoveryTree } from "../policy/recovery-tree.ts";
import { quickReference, renderRunbook } from "../policy/render-runbook.ts";
import { loadCommands } from "./command-list.ts";

const page = join(import.meta.dirname, "..", "..", "docs", "recovery.md");
const commands = new Map((await loadCommands()).map((spec) => [spec.name, spec]));

const lines = [
  ...Object.values(recoveryTree).flatMap(({ incident, nodes }) =>
    nodes.flatMap((node) =>
      node.kind === "end" ? [] : [[`${incident}: ${node.text}`, node.command] as const],
    ),
  ),
  ...quickReference.map(({ what, command }) => [what, command.replace(/^roadstead /, "")] as const),
];

describe("the runbook", () => {
  it("docs/recovery.md is what `npm run docs` writes", () => {
    expect(readFileSync(page, "utf8")).toBe(renderRunbook());
  });

  it.each(lines)("%s: `roadstead %s` is a command that there is (R-202, R-250)", (_what, line) => {
    const [name = "", ...rest] = line.split(" ");
    const spec = commands.get(name);
    expect(spec, `roadstead ${name}`).toBeDefined();
    const flags = (spec?.options ?? []).flatMap((option) => option.flags.match(/--?[a-z][a-z-]*/g) ?? []);
    for (const word of rest.filter((one) => one.startsWith("-"))) expect(flags).toContain(word);
    const [action] = rest;
    const takesAction = spec?.arguments?.[0]?.name === "[action]";
    if (takesAction && action !== undefined && !action.startsWith("-"))
      expect(spec?.arguments?.[0]?.description).toContain(action);
  });
});
