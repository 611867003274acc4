import { join } from "node:path";
import { startEmbeddedEdge } from "../src/edge/drivers/embedded.ts";
import { HaproxyEdge } from "../src/edge/drivers/haproxy.ts";
import type { Edge } from "../src/edge/port.ts";
import { PlatformError } from "../src/lib/platform-error.ts";
import { DockerRuntime } from "../src/runtime/drivers/docker.ts";
import { ProcessRuntime } from "../src/runtime/drivers/process.ts";
import type { Runtime } from "../src/runtime/port.ts";

export async function makeRuntime(name: string, home: string): Promise<Runtime> {
  if (name === "process") return new ProcessRuntime({ home });
  if (name === "docker") return new DockerRuntime({ filesDirectory: join(home, "docker"), owner: home });
  throw new PlatformError("UNKNOWN_DRIVER", `there is no runtime ${name}`, {
    hint: "Choose process or docker.",
  });
}

export async function makeEdge(name: string, home: string): Promise<Edge> {
  if (name === "embedded")
    return startEmbeddedEdge({ home, argv: [process.execPath, join(import.meta.dirname, "edge.ts")] });
  if (name === "haproxy") return new HaproxyEdge({ home });
  throw new PlatformError("UNKNOWN_DRIVER", `there is no edge ${name}`, {
    hint: "Choose embedded or haproxy.",
  });
}
