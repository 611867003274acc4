import { type ReleaseId, type Revision, replicaId } from "../../rollout/ids.ts";
import type { ComposeService } from "../../stack/compose-model.ts";
import type { ReplicaSpec } from "../port.ts";
import { ProcessRuntime } from "./process.ts";

/**
 * A control plane that does one thing and then waits to be killed:
 * `node process-crash-support.ts <home> start|job <service as JSON>`. Prints the replica's id once it is done.
 */
export async function specFor(
  runtime: ProcessRuntime,
  compose: ComposeService,
  rest: Partial<ReplicaSpec> = {},
): Promise<ReplicaSpec> {
  const { signal } = new AbortController();
  const scope = { stack: "crash", environment: "test" };
  const service = rest.service ?? "web";
  const image = await runtime.ensureImage({ scope, service, compose }, () => undefined, signal);
  const volumes = { data: { name: "crash_data" } };
  const services = [{ service, addressing: rest.addressing ?? ("proxied" as const), networks: [] }];
  const addresses = await runtime.ensureResources({ scope, networks: {}, volumes, services }, signal);
  const revision = "aaaaaaaaaa" as Revision;
  return {
    id: replicaId(scope, service, revision, 0),
    ...{
      scope,
      service,
      revision,
      ordinal: 0,
      release: "rel_1" as ReleaseId,
      image,
      compose,
      addresses,
      volumes,
    },
    ports: [{ port: 8080, protocol: "http" }],
    ...{ environment: {}, files: [], networks: {}, addressing: "proxied" },
    ...rest,
  };
}

if (import.meta.main) {
  const [home = "", action = "", compose = "{}", environment = "{}"] = process.argv.slice(2);
  const runtime = new ProcessRuntime({ home });
  const { signal } = new AbortController();
  const spec = await specFor(runtime, JSON.parse(compose) as ComposeService, {
    environment: JSON.parse(environment) as Record<string, string>,
  });
  if (action === "start") {
    await runtime.startReplica(spec, signal);
    console.log(spec.id);
  } else {
    const job = { ...spec, jobId: "job_1", timeoutSeconds: 3600 };
    await runtime.runJob(job, (line) => console.log(line), signal);
  }
  // Waits to be killed.
  setInterval(() => undefined, 60_000);
}
