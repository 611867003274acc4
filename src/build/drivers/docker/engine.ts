import { PlatformError } from "../../../lib/platform-error.ts";
import { type RunOutcome, run } from "../../../lib/run.ts";

/** Calls of the engine that only ask or order. */
const callTimeoutMs = 60_000;

/** Variables that steer the Docker CLI itself. A value for a container that has such a name goes on the command line. */
const steersCli = /^(PATH|HOME|DOCKER_(HOST|CONTEXT|CONFIG|CERT_PATH|TLS.*|API_VERSION))$/;

export type DockerCall = {
  /** Values for `--env NAME`: in the CLI's environment, where other users of the host cannot read them. */
  env?: Readonly<Record<string, string>>;
  timeoutMs?: number;
  signal?: AbortSignal;
  onLine?: (line: string) => void;
};

/** One call of the Docker CLI; a refusal is an outcome. */
export async function docker(args: readonly string[], call: DockerCall = {}): Promise<RunOutcome> {
  const { env = {}, timeoutMs = callTimeoutMs, signal, onLine } = call;
  const own = Object.entries(process.env).filter(([name]) => steersCli.test(name));
  return await run(["docker", ...args], {
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...Object.fromEntries(own), ...env },
    timeoutMs,
    maxOutput: 100_000,
    ...(signal === undefined ? {} : { signal }),
    ...(onLine === undefined ? {} : { onLine }),
  });
}

/** As `docker`, but a refusal is thrown with the engine's own last words. */
export async function dockerDone(args: readonly string[], call: DockerCall = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await docker(args, call);
  if (exitCode === 0) return stdout.trim();
  const why = stderr.trim().split("\n").at(-1) ?? "";
  throw new PlatformError("DOCKER_REFUSED", why || `docker ${args[0]} ended with exit code ${exitCode}`);
}

/** Arguments that hand the variables to a container, and what the CLI itself must get for them. */
export function environmentArgs(variables: Readonly<Record<string, string>>): {
  args: string[];
  env: Record<string, string>;
} {
  const steering = Object.entries(variables).filter(([name]) => steersCli.test(name));
  const env = Object.fromEntries(Object.entries(variables).filter(([name]) => !steersCli.test(name)));
  return {
    args: [
      ...steering.flatMap(([name, value]) => ["--env", `${name}=${value}`]),
      ...Object.keys(env).flatMap((name) => ["--env", name]),
    ],
    env,
  };
}

/** Makes an image present; pulled only if it is not. */
export async function ensureImage(
  image: string,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { exitCode } = await docker(["image", "inspect", "--format", "{{.Id}}", image], { signal });
  if (exitCode === 0) return;
  onLine(`pulling ${image}`);
  await dockerDone(["pull", "--quiet", image], { signal, timeoutMs: pullTimeoutMs });
}

const pullTimeoutMs = 15 * 60_000;

/** Every object of a job carries both: which control plane's jobs, and which job. */
export const label = { jobs: "roadstead.jobs", job: "roadstead.pipeline-job" } as const;

export function labelArgs(folder: string, id: string): string[] {
  return ["--label", `${label.jobs}=${folder}`, "--label", `${label.job}=${id}`];
}

/** Removes the containers with their unnamed volumes and then the networks of a job, or of all jobs of the folder. */
export async function removeObjects(folder: string, id?: string): Promise<void> {
  const filters = [`${label.jobs}=${folder}`, ...(id === undefined ? [] : [`${label.job}=${id}`])];
  const filterArgs = filters.flatMap((filter) => ["--filter", `label=${filter}`]);
  const containers = words(await dockerDone(["ps", "--all", "--quiet", ...filterArgs]));
  if (containers.length > 0) await dockerDone(["rm", "--force", "--volumes", ...containers]);
  const networks = words(await dockerDone(["network", "ls", "--quiet", ...filterArgs]));
  if (networks.length > 0) await dockerDone(["network", "rm", ...networks]);
}

/** What there is of the jobs of a folder, by name. */
export async function listObjects(folder: string): Promise<string[]> {
  const filter = ["--filter", `label=${label.jobs}=${folder}`];
  const containers = await dockerDone(["ps", "--all", "--format", "{{.Names}}", ...filter]);
  const networks = await dockerDone(["network", "ls", "--format", "{{.Name}}", ...filter]);
  return [...words(containers), ...words(networks)];
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
