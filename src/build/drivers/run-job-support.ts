import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import type { JobRunSpec } from "../port.ts";
import { DockerJobRunner } from "./docker.ts";
import { ProcessJobRunner } from "./process.ts";

/** Runs one job in a process of its own, which a test then kills: `run-job-support.ts DRIVER FOLDER < spec.json`. */
const [, , driver = "", folder = ""] = process.argv;
const runners = {
  docker: () => new DockerJobRunner({ folder }),
  process: () => new ProcessJobRunner({ folder, programs: [dirname(process.execPath)] }),
};
const spec = JSON.parse(await text(process.stdin)) as JobRunSpec;
const make = runners[driver as keyof typeof runners];
await make().run(spec, (line) => process.stdout.write(`${line}\n`), new AbortController().signal);
