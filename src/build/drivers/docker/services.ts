import { randomBytes } from "node:crypto";
import { messageOf } from "../../../lib/platform-error.ts";
import type { JobService } from "../../../pipeline/pipeline.ts";
import { buildError } from "../../errors.ts";
import { docker, dockerDone, ensureImage, environmentArgs, labelArgs } from "./engine.ts";

const readyTimeoutMs = 90_000;
const lookEveryMs = 200;
/** A test database that needs more is a load test. */
const memoryLimit = "1g";

export type ServicesPlace = {
  folder: string;
  id: string;
  /** What the names of the job's objects begin with. */
  name: string;
  lowPriority: readonly string[];
  onLine: (line: string) => void;
  signal: AbortSignal;
};

/** Starts the throw-away servers in a network of the job's own; answers the network and the variables with their URLs. */
export async function startServices(
  services: readonly JobService[],
  place: ServicesPlace,
): Promise<{ network?: string; urls: Record<string, string> }> {
  if (services.length === 0) return { urls: {} };
  const network = `${place.name}-net`;
  const urls: Record<string, string> = {};
  await dockerDone(["network", "create", ...labelArgs(place.folder, place.id), network]);
  const started: Server[] = [];
  for (const [index, service] of services.entries()) {
    const server = serverOf(service, `${service.kind}-${index}`);
    urls[service.variable] = server.url;
    started.push(server);
    await orSay(server, place, () => start(server, network, place));
  }
  for (const server of started) await orSay(server, place, () => ready(server, place));
  return { network, urls };
}

type Server = {
  alias: string;
  image: string;
  variable: string;
  url: string;
  env: Record<string, string>;
  args: readonly string[];
  /** Run inside; ends with 0 once it takes connections. */
  check: readonly string[];
};

function serverOf({ kind, version, variable }: JobService, alias: string): Server {
  const image = `${kind}:${version}`;
  if (kind === "redis")
    return {
      ...{ alias, image, variable, env: {}, url: `redis://${alias}:6379/0` },
      args: ["redis-server", "--save", "", "--appendonly", "no"],
      check: ["redis-cli", "ping"],
    };
  const password = randomBytes(18).toString("hex");
  return {
    ...{ alias, image, variable, url: `postgres://postgres:${password}@${alias}:5432/test` },
    env: { POSTGRES_PASSWORD: password, POSTGRES_DB: "test" },
    // Nothing of it needs to survive a crash, so it never waits for the disk.
    args: ["fsync=off", "full_page_writes=off", "synchronous_commit=off"].flatMap((one) => ["-c", one]),
    // By address: the image's own set-up listens on a socket only.
    check: ["pg_isready", "--quiet", "-h", "127.0.0.1", "-U", "postgres", "-d", "test"],
  };
}

async function start(server: Server, network: string, place: ServicesPlace): Promise<void> {
  await ensureImage(server.image, place.onLine, place.signal);
  const { args, env } = environmentArgs(server.env);
  const where = ["--network", network, "--network-alias", server.alias];
  const limits = ["--memory", memoryLimit, "--memory-swap", memoryLimit, ...place.lowPriority];
  await dockerDone(
    [
      ...["run", "--detach", "--pull", "never", "--name", nameOf(server, place)],
      ...labelArgs(place.folder, place.id),
      ...[...where, ...limits, ...args, server.image, ...server.args],
    ],
    { env },
  );
}

async function ready(server: Server, place: ServicesPlace): Promise<void> {
  const name = nameOf(server, place);
  for (const end = performance.now() + readyTimeoutMs; performance.now() < end; ) {
    place.signal.throwIfAborted();
    if ((await docker(["exec", name, ...server.check])).exitCode === 0) return;
    if ((await dockerDone(["inspect", "--format", "{{.State.Running}}", name])) !== "true") break;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  const { stdout, stderr } = await docker(["logs", "--tail", "5", name]);
  throw new Error(`it was not ready: ${`${stdout}${stderr}`.trim()}`);
}

function nameOf({ alias }: Server, { name }: ServicesPlace): string {
  return `${name}-${alias}`;
}

async function orSay(server: Server, { signal }: ServicesPlace, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw buildError(
      "BUILD_SERVICE_UNAVAILABLE",
      `${server.image} for ${server.variable} did not start: ${messageOf(cause)}`,
      { hint: "Check the version, and that this host can reach the image's registry.", cause },
    );
  }
}
