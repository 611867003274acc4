import { parseArgs } from "node:util";
import { backupSuite } from "./backup/backup-suite.ts";
import { buildSuite } from "./build/build-suite.ts";
import { coreSuite } from "./core/core-suite.ts";
import { edgeSuite } from "./edge/edge-suite.ts";
import { idleSuite } from "./idle/idle-suite.ts";
import { machine, versionsOf } from "./machine.ts";
import { renderTable, type Suite, type SuiteReport } from "./report.ts";
import { deploySuite } from "./stacks/deploy-suite.ts";
import { timesSuite } from "./stacks/times-suite.ts";
import { telemetrySuite } from "./telemetry/telemetry-suite.ts";
import { writeSection } from "./write-docs.ts";

/** `npm run bench [-- edge|deploy|times|idle|build|core|backup …] [--quick] [--mib 1024] [--write]` */
const suites: Readonly<Record<string, Suite>> = {
  edge: edgeSuite,
  deploy: deploySuite,
  times: timesSuite,
  idle: idleSuite,
  build: buildSuite,
  core: coreSuite,
  telemetry: telemetrySuite,
  backup: backupSuite,
};

const usage = `usage: npm run bench -- [${Object.keys(suites).join("|")}]… [--quick] [--mib N] [--write]
  --mib    size of the database in the suite backup
  --quick  small numbers that only prove that the suites work
  --write  put the numbers into docs/benchmarks.md`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean" },
      mib: { type: "string" },
      write: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  const unknown = positionals.find((name) => suites[name] === undefined);
  if (values.help || unknown !== undefined) {
    console.error(unknown === undefined ? usage : `there is no suite ${unknown}\n${usage}`);
    return values.help ? 0 : 2;
  }
  const quick = values.quick ?? false;
  const say = (line: string) => console.error(`· ${line}`);
  for (const [name, suite] of Object.entries(suites)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const report = await suite.run({
      quick,
      say,
      ...(values.mib === undefined ? {} : { mib: Number(values.mib) }),
    });
    const text = renderReport(report, quick);
    console.log(`## ${suite.title}\n\n${text}\n`);
    if (values.write) writeSection(name, text);
  }
  return 0;
}

/** The generated part of a section: where and when it was measured, the tables, what limits them. */
function renderReport({ tables, notes, missing, programs }: SuiteReport, quick: boolean): string {
  const day = new Date().toISOString().slice(0, 10);
  return [
    `Measured ${day} on ${machine()}; ${versionsOf(programs)}.`,
    ...(quick ? ["**Quick run:** few repeats, possibly on a busy machine; not for comparison."] : []),
    ...tables.map(renderTable),
    [...notes, ...missing.map((reason) => `Not measured: ${reason}`)].map((line) => `- ${line}`).join("\n"),
  ].join("\n\n");
}

process.exitCode = await main();
