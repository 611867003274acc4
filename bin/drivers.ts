import { join } from "node:path";
import type { Edge } from "../src/edge/port.ts";
import { PlatformError } from "../src/lib/platform-error.ts";
import type { Runtime } from "../src/runtime/port.ts";

/** Drivers are loaded when they are chosen: what is not used takes no memory. */
export async function makeRuntime(name: string, home: string): Promise<Runtime> {
  switch (name) {
    case "process": {
      const { ProcessRuntime } = await import("../src/runtime/drivers/process.ts");
      return new ProcessRuntime({ home });
    }
    case "docker": {
      const { DockerRuntime } = await import("../src/runtime/drivers/docker.ts");
      return new DockerRuntime({ filesDirectory: join(home, "docker"), owner: home });
    }
    default:
      throw new PlatformError("UNKNOWN_DRIVER", `there is no runtime ${name}`, {
        hint: "Choose process or docker.",
      });
  }
}

export async function makeEdge(name: string, home: string): Promise<Edge> {
  switch (name) {
    case "embedded": {
      const { startEmbeddedEdge } = await import("../src/edge/drivers/embedded.ts");
      return startEmbeddedEdge({ home, argv: [process.execPath, join(import.meta.dirname, "edge.ts")] });
    }
    case "haproxy": {
      const { HaproxyEdge } = await import("../src/edge/drivers/haproxy.ts");
      return new HaproxyEdge({ home });
    }
    default:
      throw new PlatformError("UNKNOWN_DRIVER", `there is no edge ${name}`, {
        hint: "Choose embedded or haproxy.",
      });
  }
}
