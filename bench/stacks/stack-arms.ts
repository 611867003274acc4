import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DeploymentView } from "../../src/api/contract/models.ts";
import { Platform, type PlatformOptions, root, trio } from "../../test/e2e/platform.ts";
import { freePorts } from "../edge/programs.ts";
import { removeImages } from "./remove-images.ts";

/** One way to run the stack of three services: how it is brought up and changed. Versions are what `/version` answers. */
export type StackArm = {
  name: string;
  programs: readonly string[];
  /** Why it cannot run here; `undefined`: it can. */
  lacks: () => string | undefined;
  /** Starts it at a first version. */
  start: (version: string) => Promise<RunningStack>;
};

export type RunningStack = {
  /** Public HTTP entry on 127.0.0.1. */
  port: number;
  deploy: (version: string) => Promise<Change>;
  /** Back to the version before, which the caller names: not every arm remembers it. */
  rollback: (version: string) => Promise<Change>;
  stop: () => Promise<void>;
  platform?: Platform;
};

/** A change that has ended. Epoch milliseconds. */
export type Change = { commandAt: number; endedAt: number; deployment?: DeploymentView };

export const stackHost = "trio.localhost";

type RoadsteadKind = PlatformOptions & { strategy: "blue-green" | "rolling" };

export function roadsteadArm({ runtime, edge, strategy }: RoadsteadKind): StackArm {
  return {
    name: `Roadstead, ${runtime} + ${edge}, ${strategy}`,
    programs: [
      "node",
      ...(runtime === "docker" ? ["docker"] : []),
      ...(edge === "haproxy" ? ["haproxy"] : []),
    ],
    lacks: () =>
      (runtime === "docker" ? lacksDocker() : undefined) ??
      (edge === "haproxy" && spawnSync("haproxy", ["-v"]).status !== 0
        ? "HAProxy is not installed"
        : undefined),
    start: async (version) => {
      const platform = await Platform.start({ runtime, edge });
      // Containers carry the stack's name: its own, so that another trio on this machine is left alone.
      const stack = `bench-${process.pid}-${platform.http}`;
      const strategies = { FRONT_STRATEGY: strategy, API_STRATEGY: strategy };
      const change = async (args: string[], env: Record<string, string>): Promise<Change> => {
        const commandAt = Date.now();
        const { deployment } = await platform.json<{ deployment: DeploymentView }>(args, env);
        return { commandAt, endedAt: Date.now(), deployment };
      };
      const deploy = (next: string) =>
        change(["deploy", "-f", join(trio, "compose.yaml"), "--name", stack], {
          VERSION: next,
          ...strategies,
        });
      const running: RunningStack = {
        port: platform.http,
        deploy,
        rollback: () => change(["rollback", "--stack", stack], {}),
        stop: async () => {
          await platform.stop();
          if (runtime === "docker") removeImages(stack);
        },
        platform,
      };
      return started(running, () => deploy(version));
    },
  };
}

/**
 * Plain `docker compose up -d --wait` on the same file. It has no HTTP entry, so the front service publishes its port,
 * and a health check for it is added so that `--wait` waits until it answers.
 */
export const composeArm: StackArm = {
  name: "docker compose up -d --wait",
  programs: ["docker", "docker compose"],
  lacks: () =>
    lacksDocker() ??
    (spawnSync("docker", ["compose", "version"]).status === 0
      ? undefined
      : "docker compose is not installed"),
  start: async (version) => {
    const folder = mkdtempSync(join(tmpdir(), "roadstead-bench-"));
    const [port = 0] = await freePorts(1);
    const override = join(folder, "override.yaml");
    writeFileSync(override, overrideFile(port));
    const files = ["-f", join(trio, "compose.yaml"), "-f", override];
    const project = `bench-compose-${process.pid}-${port}`;
    const compose = async (next: string, ...args: string[]): Promise<Change> => {
      const commandAt = Date.now();
      const env = { ...process.env, VERSION: next };
      await promisify(execFile)("docker", ["compose", "-p", project, ...files, ...args], { cwd: root, env });
      return { commandAt, endedAt: Date.now() };
    };
    const up = (next: string) => compose(next, "up", "-d", "--wait");
    const running: RunningStack = {
      port,
      deploy: up,
      rollback: up,
      stop: async () => {
        await compose(version, "down", "--volumes", "--rmi", "local", "--timeout", "5");
        rmSync(folder, { recursive: true, force: true });
      },
    };
    return started(running, async () => {
      await compose(version, "build", "-q");
      await up(version);
    });
  },
};

function overrideFile(port: number): string {
  return `services:
  front:
    ports: ["127.0.0.1:${port}:3000"]
    healthcheck:
      test: ["CMD", "wget", "-q", "--spider", "http://localhost:3000/healthz"]
      interval: 1s
      start_period: 30s
      start_interval: 1s
`;
}

export const roadsteadArms: readonly StackArm[] = [
  roadsteadArm({ runtime: "process", edge: "embedded", strategy: "blue-green" }),
  roadsteadArm({ runtime: "process", edge: "embedded", strategy: "rolling" }),
  roadsteadArm({ runtime: "docker", edge: "haproxy", strategy: "blue-green" }),
  roadsteadArm({ runtime: "docker", edge: "haproxy", strategy: "rolling" }),
];

export function lacksDocker(): string | undefined {
  return spawnSync("docker", ["version"]).status === 0 ? undefined : "no Docker engine answers";
}

/** What failed to start is taken down again. */
async function started(running: RunningStack, first: () => Promise<unknown>): Promise<RunningStack> {
  try {
    await first();
    return running;
  } catch (error) {
    await running.stop();
    throw error;
  }
}
