import { describe, expect, it } from "vitest";
import type { ComposeBuild } from "../../../stack/compose-model.ts";
import { canonicalRepository, parseReference, registryOf } from "../../../stack/image-reference.ts";
import { buildCommand } from "./build-argv.ts";
import { privateTag } from "./private-tag.ts";

const command = (
  build: Partial<ComposeBuild>,
  more: { buildx?: boolean; cgroupParent?: string; secretFiles?: Record<string, string> } = {},
) =>
  buildCommand({
    service: "web",
    build: { context: "/src", ...build },
    tags: ["web:1"],
    iidFile: "/tmp/id",
    secretFiles: {},
    buildx: true,
    ...more,
  });
const start = ["docker", "buildx", "build", "--load", "--progress", "plain", "--iidfile", "/tmp/id"];

describe("a build section becomes one CLI call", () => {
  it("plain", () => {
    expect(command({})).toEqual({ argv: [...start, "--tag", "web:1", "/src"], env: {} });
    expect(command({}, { buildx: false }).argv.slice(0, 2)).toEqual(["docker", "build"]);
  });

  it("with its limits, its cache and none of it (R-047, R-053, R-058)", () => {
    expect(command({ no_cache: true }, { cgroupParent: "/builds" }).argv.slice(start.length)).toEqual([
      "--tag",
      "web:1",
      "--cgroup-parent",
      "/builds",
      "--no-cache",
      "/src",
    ]);
  });

  it("argument values travel in the environment, save those that would steer the CLI", () => {
    const { argv, env } = command({ args: { TOKEN: "s3cret", EMPTY: null, PATH: "/x" } });
    expect(argv).not.toContain("s3cret");
    expect(argv.join(" ")).not.toContain("s3cret");
    expect(argv.join(" ")).toContain("--build-arg TOKEN --build-arg EMPTY --build-arg PATH=/x");
    expect(env).toEqual({ TOKEN: "s3cret" });
  });

  it("Dockerfile: beside the context, absolute, of a remote context, inline", () => {
    expect(command({ dockerfile: "docker/Dockerfile" }).argv).toContain("/src/docker/Dockerfile");
    expect(command({ dockerfile: "/else/Dockerfile" }).argv).toContain("/else/Dockerfile");
    expect(command({ context: "https://example.com/x.git", dockerfile: "D" }).argv).toContain("D");
    const inline = command({ dockerfile_inline: "FROM busybox\n" });
    expect(inline.argv.join(" ")).toContain("--file -");
    expect(inline.input).toBe("FROM busybox\n");
  });

  it("every other key", () => {
    const { argv } = command(
      {
        target: "prod",
        network: "host",
        shm_size: "64m",
        platforms: ["linux/arm64"],
        labels: { a: "b" },
        additional_contexts: { lib: "/lib" },
        cache_from: ["type=local,src=x"],
        cache_to: ["type=inline"],
        extra_hosts: ["one=1.2.3.4"],
        ssh: ["default"],
        entitlements: ["network.host"],
        ulimits: { nofile: { soft: 1, hard: 2 }, nproc: 3 },
        secrets: [{ source: "token", target: "npm" }],
        no_cache: true,
        pull: true,
      },
      { secretFiles: { token: "/tmp/s" } },
    );
    expect(argv.slice(start.length + 2, -1)).toEqual(
      [
        "--target prod --network host --shm-size 64m --platform linux/arm64 --label a=b --build-context lib=/lib",
        "--cache-from type=local,src=x --cache-to type=inline --add-host one:1.2.3.4 --ssh default",
        "--allow network.host --ulimit nofile=1:2 --ulimit nproc=3 --secret id=npm,src=/tmp/s --no-cache --pull",
      ]
        .join(" ")
        .split(" "),
    );
  });

  it("a secret without a value, and BuildKit keys without BuildKit, raise", () => {
    expect(() => command({ secrets: [{ source: "token" }] })).toThrow(/build secret token/);
    expect(() => command({ ssh: ["default"] }, { buildx: false })).toThrow(/build.ssh needs BuildKit/);
    expect(() => command({ dockerfile_inline: "FROM x" }, { buildx: false })).toThrow(/dockerfile_inline/);
  });
});

describe("image names", () => {
  it("are parsed with ports, tags and digests", () => {
    expect(parseReference("postgres")).toEqual({ repository: "postgres", tag: "latest" });
    expect(parseReference("host:5000/a/b:1")).toEqual({ repository: "host:5000/a/b", tag: "1" });
    expect(parseReference("host:5000/a/b")).toEqual({ repository: "host:5000/a/b", tag: "latest" });
    expect(parseReference("a@sha256:00")).toEqual({ repository: "a", digest: "sha256:00" });
    expect(parseReference("a:1@sha256:00")).toEqual({ repository: "a", tag: "1", digest: "sha256:00" });
  });

  it("have one spelling per repository", () => {
    for (const text of ["postgres", "library/postgres", "docker.io/library/postgres"])
      expect(canonicalRepository(text)).toBe("docker.io/library/postgres");
    expect(canonicalRepository("ghcr.io/a/b")).toBe("ghcr.io/a/b");
    expect(registryOf("localhost/a")).toBe("localhost");
    expect(registryOf("team/app")).toBe("docker.io");
  });

  it("our own tag is a valid name whatever the service is called", () => {
    expect(privateTag("my_shop", "Web.API", `sha256:${"ab".repeat(32)}`)).toEqual({
      repo: "roadstead/my-shop-web-api",
      tag: "abababababab",
    });
  });
});
