import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { edgeConformance } from "../conformance.ts";
import { eventually } from "../conformance-support.ts";
import { startEmbeddedEdge } from "./embedded.ts";

const script = join(import.meta.dirname, "..", "..", "..", "bin", "edge.ts");

edgeConformance(
  "embedded",
  async () => {
    const home = await mkdtemp(join(tmpdir(), "roadstead-edge-"));
    const start = () => startEmbeddedEdge({ home, argv: [process.execPath, script] });
    const edge = await start();
    const end = async (signal: NodeJS.Signals) => {
      const { pid } = await edge.health(AbortSignal.timeout(5_000));
      process.kill(pid, signal);
      await eventually(() => !alive(pid), 15_000);
    };
    return {
      edge,
      restart: async () => {
        await end("SIGKILL");
        await start();
      },
      close: async () => {
        await end("SIGTERM");
        await rm(home, { recursive: true, force: true });
      },
    };
  },
  { traffic: true, restart: true, promises: { closeFrame: true, idleCloseRace: "none" } },
);

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
