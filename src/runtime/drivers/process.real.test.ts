import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { runtimeConformance } from "../conformance.ts";
import { ProcessRuntime } from "./process.ts";

const programs = resolve(import.meta.dirname, "../../../test/fixtures/programs");
let home = "";

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "roadstead-process-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

runtimeConformance(
  "process",
  async () => ({
    runtime: new ProcessRuntime({ home }),
    reopen: async () => new ProcessRuntime({ home }),
  }),
  {
    program: (args) => ({ build: { context: programs }, command: ["node", "echo.mjs", ...args] }),
    missing: { image: "nobody/nothing:1" },
  },
);
