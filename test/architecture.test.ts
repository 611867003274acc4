import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

/**
 * The rings of docs/architecture.md as a table: folder -> folders it may import. A folder that is not listed fails,
 * so a new one is a decision. Drivers import only their own port, the core's types and `lib`.
 */
const mayImport: Record<string, readonly string[]> = {
  "src/lib": [],
  "src/stack": ["src/lib"],
  "src/rollout": ["src/lib", "src/stack"],
  "src/policy": ["src/lib", "src/stack", "src/rollout"],
  "src/pipeline": ["src/lib", "src/stack"],
  "src/servers": ["src/lib"],
  "src/runtime": ["src/lib", "src/servers", "src/stack", "src/rollout"],
  "src/edge": ["src/lib"],
  "src/scan": ["src/lib", "src/policy"],
  "src/source": ["src/lib"],
  "src/forge": ["src/lib"],
  "src/notify": ["src/lib", "src/rollout", "src/policy"],
  "src/alerting": [
    "src/lib",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/store",
    "src/telemetry",
    "src/notify",
    "src/delivery",
    "src/scheduler",
    "src/reconciler",
  ],
  "src/recovery": [
    "src/lib",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/runtime",
    "src/store",
    "src/notify",
    "src/alerting",
    "src/reconciler",
  ],
  "src/server-loss": [
    "src/lib",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/runtime",
    "src/edge",
    "src/store",
    "src/notify",
    "src/backup",
  ],
  "src/registry": ["src/lib", "src/stack"],
  "src/scheduler": [
    "src/lib",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/registry",
    "src/runtime",
    "src/store",
    "src/reconciler",
  ],
  "src/publish": [
    "src/lib",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/pipeline",
    "src/registry",
    "src/runtime",
    "src/store",
    "src/scheduler",
  ],
  "src/secrets": ["src/lib", "src/rollout", "src/store"],
  "src/build": ["src/lib", "src/servers", "src/stack", "src/pipeline"],
  "src/delivery": [
    "src/lib",
    "src/bundle",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/pipeline",
    "src/runtime",
    "src/store",
    "src/source",
    "src/forge",
    "src/build",
    "src/scan",
    "src/secrets",
    "src/publish",
    "src/reconciler",
  ],
  "src/access": ["src/lib", "src/policy", "src/store"],
  "src/telemetry": ["src/lib"],
  "src/probes": ["src/lib", "src/stack"],
  "src/watch": [
    "src/probes",
    "src/lib",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/runtime",
    "src/edge",
    "src/store",
    "src/reconciler",
    "src/telemetry",
  ],
  "src/backup": ["src/lib", "src/policy"],
  "src/vault": [
    "src/lib",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/runtime",
    "src/store",
    "src/notify",
    "src/backup",
  ],
  "src/logs": ["src/lib", "src/rollout"],
  "src/collector": ["src/lib", "src/rollout", "src/policy", "src/runtime", "src/edge", "src/logs"],
  "src/store": ["src/lib", "src/stack", "src/rollout", "src/policy"],
  "src/reconciler": [
    "src/lib",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/runtime",
    "src/edge",
    "src/store",
  ],
  "src/api/contract": ["src/lib", "src/stack", "src/rollout", "src/policy"],
  "src/api": [
    "src/lib",
    "src/logs",
    "src/collector",
    "src/telemetry",
    "src/alerting",
    "src/recovery",
    "src/server-loss",
    "src/notify",
    "src/watch",
    "src/vault",
    "src/publish",
    "src/api/contract",
    "src/access",
    "src/delivery",
    "src/registry",
    "src/scheduler",
    "src/source",
    "src/forge",
    "src/secrets",
    "src/stack",
    "src/rollout",
    "src/policy",
    "src/reconciler",
    "src/runtime",
    "src/edge",
    "src/store",
  ],
  "src/bundle": ["src/lib", "src/stack"],
  "src/cli": ["src/lib", "src/bundle", "src/stack", "src/rollout", "src/policy", "src/api/contract"],
};
const core = ["src/stack", "src/rollout", "src/policy", "src/pipeline"];
const forbiddenInCore: readonly [RegExp, string][] = [
  [/\bfrom "node:/, "node: modules"],
  [/\basync\b|\bawait\b/, "async code"],
  [/\bDate\.now\b|\bnew Date\(\)/, "the clock"],
  [/\bMath\.random\b/, "randomness"],
  [/\bprocess\.|\bconsole\./, "the process or console"],
];

const root = normalize(join(import.meta.dirname, ".."));
const sources = globSync("src/**/*.ts", { cwd: root })
  .map((file) => file.replaceAll("\\", "/"))
  .sort();
const product = sources.filter(
  (file) => !/\.test\.ts$/.test(file) && !/(conformance|-support)\.ts$/.test(file),
);

function folderOf(file: string): string | undefined {
  return Object.keys(mayImport)
    .filter((folder) => file.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function violations(file: string, text: string): string[] {
  const folder = folderOf(file);
  if (folder === undefined) return [`${file}: folder is not in the table of test/architecture.test.ts`];
  const found: string[] = [];
  for (const [, target] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
    const imported = relative(root, join(root, dirname(file), target ?? "")).replaceAll("\\", "/");
    const into = folderOf(imported);
    if (into === undefined) found.push(`${file}: imports ${imported}, outside the table`);
    else if (into !== folder && !(mayImport[folder] ?? []).includes(into))
      found.push(`${file}: ${folder} may not import ${into}`);
    if (imported.includes("/drivers/") && !file.includes("/drivers/"))
      found.push(`${file}: only bin names a driver (${imported})`);
  }
  if (core.some((ring) => file.startsWith(`${ring}/`))) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, "");
    for (const [pattern, what] of forbiddenInCore)
      if (pattern.test(code)) found.push(`${file}: the core may not use ${what}`);
  }
  return found;
}

describe("architecture", () => {
  it.each(product)("%s keeps to its ring", (file) => {
    expect(violations(file, readFileSync(join(root, file), "utf8"))).toEqual([]);
  });

  it.each(globSync("bin/*.ts", { cwd: root }))(
    "%s loads drivers that are chosen only when they are",
    (file) => {
      const text = readFileSync(join(root, file), "utf8");
      const chosen = /^import [^;]*"\.\.\/src\/(?:runtime|edge|build|forge|scan)\/drivers\/[a-z]+\.ts"/gm;
      expect(text.match(chosen) ?? []).toEqual([]);
    },
  );

  it.each([
    ["src/rollout/x.ts", 'import { Edge } from "../edge/port.ts";'],
    ["src/reconciler/x.ts", 'import { memory } from "../edge/drivers/memory.ts";'],
    ["src/stack/x.ts", "const now = Date.now();"],
    ["src/stack/x.ts", 'import fs from "node:fs";'],
    ["src/rollout/x.ts", "export async function f() {}"],
    ["src/unknown/x.ts", "export {};"],
  ])("catches a planted violation in %s: %s", (file, text) => {
    expect(violations(file, text)).not.toEqual([]);
  });
});
