import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { edgeConformance } from "../conformance.ts";
import { HaproxyEdge } from "./haproxy.ts";

const installed = spawnSync("haproxy", ["-v"]).status === 0;
if (!installed && process.env["CI"] === "true") throw new Error("CI needs haproxy: apt-get install haproxy");

if (!installed) describe("haproxy edge", () => it.skip("skipped: haproxy is not installed", () => undefined));
else
  edgeConformance(
    "haproxy",
    async () => {
      const home = await mkdtemp(join(tmpdir(), "rs-haproxy-"));
      const edge = new HaproxyEdge({ home });
      return {
        edge,
        close: async () => {
          await edge.stop();
          await rm(home, { recursive: true, force: true });
        },
      };
    },
    { traffic: true, restart: false, skip: [] },
  );
