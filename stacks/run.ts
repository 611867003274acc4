import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Runtime, referenceStacks, stackNames } from "./all/reference-stacks.ts";
import { renderTable } from "./all/render-table.ts";
import { type Outcome, Roadstead } from "./all/roadstead.ts";
import { platformMegabytes, survey } from "./all/survey.ts";

/**
 * `npm run stacks`: a Roadstead of its own with all five reference stacks and their stand-ins; once more, and what
 * changed is deployed. Where a stack's parts cannot run, it says what is missing and goes on with the next.
 */
const usage = `npm run stacks -- [options]
  --runtime docker|process  how the services run (default: process)
  --edge haproxy|embedded   HTTP entry (default: haproxy with docker, else embedded)
  --home FOLDER             state (default: .roadstead-stacks)
  --api, --http, --https, --stand-ins PORT   loopback ports (default: 7790, 8190, 8191, 18200)
  --only NAME               one stack; may be repeated
  --json                    the table as JSON on stdout
  --down                    remove everything: stacks, data, control plane, edge
`;

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "process" },
    edge: { type: "string" },
    home: { type: "string", default: join(import.meta.dirname, "../.roadstead-stacks") },
    api: { type: "string", default: "7790" },
    http: { type: "string", default: "8190" },
    https: { type: "string", default: "8191" },
    "stand-ins": { type: "string", default: "18200" },
    only: { type: "string", multiple: true, default: [...stackNames] },
    json: { type: "boolean", default: false },
    down: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const home = resolve(values.home);
const roadstead = new Roadstead(home, (text) => process.stderr.write(text));

if (values.help) process.stdout.write(usage);
else if (values.down) await down();
else process.exitCode = await up(readRuntime(values.runtime));

function readRuntime(text: string): Runtime {
  if (text === "process" || text === "docker") return text;
  throw new Error(`--runtime must be process or docker\n${usage}`);
}

async function down(): Promise<void> {
  await roadstead.ok(["down", "--all", "--platform", "--volumes", "--yes"]);
  rmSync(home, { recursive: true, force: true });
}

async function up(runtime: Runtime): Promise<number> {
  const edge = values.edge ?? (runtime === "docker" ? "haproxy" : "embedded");
  const places = (["api", "http", "https"] as const).flatMap((name) => [
    `--${name}`,
    `127.0.0.1:${values[name]}`,
  ]);
  await roadstead.ok(["up", "--runtime", runtime, "--edge", edge, ...places]);
  const { http, "stand-ins": standIns } = values;
  const stacks = referenceStacks({ runtime, home, http: Number(http), standIns: Number(standIns) });
  const wanted = stacks.filter(({ name }) => values.only.includes(name));
  const outcomes = new Map<string, Outcome>();
  // One after the other: builds are the heavy part, and they share the machine with what runs already.
  for (const { name, files, environment } of wanted) {
    process.stderr.write(`\n== ${name}\n`);
    outcomes.set(
      name,
      await roadstead.run(["deploy", ...files.flatMap((file) => ["-f", file])], environment),
    );
  }
  const rows = await survey(roadstead, wanted, outcomes);
  const platform = platformMegabytes(home);
  const shown = values.json ? `${JSON.stringify({ rows, platform })}\n` : `\n${renderTable(rows, platform)}`;
  process.stdout.write(shown);
  // Without containers some stacks cannot run, and the table says so; with them all must.
  return runtime === "docker" && rows.some(({ state }) => state !== "healthy") ? 1 : 0;
}
