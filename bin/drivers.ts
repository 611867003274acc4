import { join } from "node:path";
import type { Scanners } from "../src/delivery/phases/scan.ts";
import type { Edge } from "../src/edge/port.ts";
import type { Forge, ForgeKind } from "../src/forge/port.ts";
import type { Clock } from "../src/lib/clock.ts";
import { PlatformError } from "../src/lib/platform-error.ts";
import type { Runtime } from "../src/runtime/port.ts";
import { loginsOf } from "./images.ts";

/** Drivers are loaded when they are chosen: what is not used takes no memory. */
export async function makeRuntime(name: string, home: string): Promise<Runtime> {
  switch (name) {
    case "process": {
      const { ProcessRuntime } = await import("../src/runtime/drivers/process.ts");
      return new ProcessRuntime({ home });
    }
    case "docker": {
      const { DockerRuntime } = await import("../src/runtime/drivers/docker.ts");
      return new DockerRuntime({
        filesDirectory: join(home, "docker"),
        owner: home,
        loginOf: loginsOf(home),
      });
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

export async function loadForge(kind: ForgeKind): Promise<Forge> {
  switch (kind) {
    case "github":
      return new (await import("../src/forge/drivers/github.ts")).GitHub();
    case "gitea":
      return new (await import("../src/forge/drivers/gitea.ts")).Gitea();
    case "forgejo":
      return new (await import("../src/forge/drivers/forgejo.ts")).Forgejo();
    case "plain":
      return new (await import("../src/forge/drivers/plain.ts")).PlainWebhook();
  }
}

export async function loadScanners(home: string, { now }: Clock): Promise<Scanners> {
  const [{ BuiltinScanner }, { TrivyScanner }] = await Promise.all([
    import("../src/scan/drivers/builtin.ts"),
    import("../src/scan/drivers/trivy.ts"),
  ]);
  const vulnerabilities = new TrivyScanner({ cacheFolder: join(home, "trivy"), now });
  return { content: new BuiltinScanner(), vulnerabilities };
}
