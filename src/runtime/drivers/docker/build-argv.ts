import { isAbsolute, join } from "node:path";
import type { ComposeBuild } from "../../../stack/compose-model.ts";
import { runtimeError } from "../../errors.ts";

export type BuildArgvInput = {
  service: string;
  build: ComposeBuild;
  platform?: string;
  /** Names the result gets besides its id. */
  tags: readonly string[];
  iidFile: string;
  /** Build secrets on disk, by source name. */
  secretFiles: Readonly<Record<string, string>>;
  /** BuildKit through the buildx plugin; without it the engine's older builder. */
  buildx: boolean;
  /** Control group of the RUN steps. */
  cgroupParent?: string;
};

export type BuildCommand = {
  argv: [string, ...string[]];
  /** Values of build arguments: in the environment, where other users of the host cannot read them. */
  env: Record<string, string>;
  /** An inline Dockerfile. */
  input?: string;
};

/** Variables that steer the CLI itself; a build argument of such a name goes on the command line instead. */
const steersCli = /^(PATH|HOME|DOCKER_.*|BUILDX_.*|BUILDKIT_.*|COMPOSE_.*|.*_PROXY|.*_proxy|SSH_.*)$/;

/** Keys that only BuildKit knows. */
const buildxOnly = [
  "secrets",
  "ssh",
  "additional_contexts",
  "cache_to",
  "entitlements",
  "privileged",
] as const;

/** The CLI call of a Compose `build` section, pure. */
export function buildCommand(input: BuildArgvInput): BuildCommand {
  const { build } = input;
  if (!input.buildx) {
    const missing =
      buildxOnly.find((key) => build[key] !== undefined) ?? (inline(build) ? "dockerfile_inline" : undefined);
    if (missing !== undefined) {
      throw runtimeError("RUNTIME_UNSUPPORTED", `services.${input.service}.build.${missing} needs BuildKit`, {
        hint: "Install the buildx plugin of the Docker CLI.",
      });
    }
  }
  const env: Record<string, string> = {};
  const args = [
    "--iidfile",
    input.iidFile,
    ...dockerfileArgs(build),
    ...input.tags.flatMap((tag) => ["--tag", tag]),
    ...argumentArgs(build.args ?? {}, env),
    ...optionArgs(input),
  ];
  const start: [string, ...string[]] = input.buildx
    ? ["docker", "buildx", "build", "--load", "--progress", "plain"]
    : ["docker", "build"];
  return {
    argv: [...start, ...args, build.context],
    env,
    ...(inline(build) === undefined ? {} : { input: inline(build) ?? "" }),
  };
}

function inline(build: ComposeBuild): string | undefined {
  return build.dockerfile_inline;
}

function dockerfileArgs(build: ComposeBuild): string[] {
  if (build.dockerfile_inline !== undefined) return ["--file", "-"];
  if (build.dockerfile === undefined) return [];
  const local = isAbsolute(build.context) && !isAbsolute(build.dockerfile);
  return ["--file", local ? join(build.context, build.dockerfile) : build.dockerfile];
}

function argumentArgs(args: Readonly<Record<string, string | null>>, env: Record<string, string>): string[] {
  return Object.entries(args).flatMap(([name, value]) => {
    if (value === null) return ["--build-arg", name];
    if (steersCli.test(name)) return ["--build-arg", `${name}=${value}`];
    env[name] = value;
    return ["--build-arg", name];
  });
}

function optionArgs(input: BuildArgvInput): string[] {
  const { build } = input;
  const one = (flag: string, value: string | undefined) => (value === undefined ? [] : [flag, value]);
  const many = (flag: string, values: readonly string[] | undefined) =>
    (values ?? []).flatMap((value) => [flag, value]);
  const pairs = (flag: string, values: Readonly<Record<string, string>> | undefined) =>
    Object.entries(values ?? {}).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  const platform = input.platform ?? (build.platforms?.length === 1 ? build.platforms[0] : undefined);
  return [
    ...one("--target", build.target),
    ...one("--network", build.network),
    ...one("--shm-size", build.shm_size),
    ...one("--cgroup-parent", input.cgroupParent),
    ...one("--platform", platform),
    ...pairs("--label", build.labels),
    ...pairs("--build-context", build.additional_contexts),
    ...many("--cache-from", build.cache_from),
    ...many("--cache-to", build.cache_to),
    ...many(
      "--add-host",
      build.extra_hosts?.map((host) => host.replace(/^([^=:]+)=/, "$1:")),
    ),
    ...many("--ssh", build.ssh),
    ...many("--allow", [...(build.entitlements ?? []), ...(build.privileged ? ["security.insecure"] : [])]),
    ...many("--ulimit", ulimitsOf(build)),
    ...secretArgs(input),
    ...(build.no_cache ? ["--no-cache"] : []),
    ...(build.pull ? ["--pull"] : []),
  ];
}

function ulimitsOf(build: ComposeBuild): string[] {
  return Object.entries(build.ulimits ?? {}).map(([name, limit]) =>
    typeof limit === "number" ? `${name}=${limit}` : `${name}=${limit.soft}:${limit.hard}`,
  );
}

function secretArgs(input: BuildArgvInput): string[] {
  return (input.build.secrets ?? []).flatMap(({ source, target }) => {
    const file = input.secretFiles[source];
    if (file === undefined) {
      throw runtimeError(
        "RUNTIME_BUILD_FAILED",
        `the build secret ${source} of ${input.service} has no value`,
        {
          hint: "Set it, or remove it from `build.secrets`.",
        },
      );
    }
    return ["--secret", `id=${target ?? source},src=${file}`];
  });
}
