import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { trio } from "../../test/e2e/platform.ts";
import { freePorts } from "../edge/programs.ts";
import { median } from "../median.ts";

const run = promisify(execFile);
const image = "roadstead-bench-trio";

/**
 * Milliseconds that the application itself needs on the way to a new release, each part started alone: the release
 * job to its end, then `api`, then `front`, which waits for it, each to its first healthy answer.
 */
export async function ownStart(runtime: "process" | "docker", repeats: number): Promise<number> {
  if (runtime === "docker") await run("docker", ["build", "-q", "-t", image, trio]);
  const totals: number[] = [];
  try {
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      const parts = runtime === "docker" ? await inContainers() : await asProcesses();
      totals.push(parts.reduce((sum, part) => sum + part, 0));
    }
  } finally {
    if (runtime === "docker") await run("docker", ["image", "rm", "-f", image]);
  }
  return median(totals);
}

async function asProcesses(): Promise<number[]> {
  const began = performance.now();
  await run(process.execPath, [join(trio, "migrate.mjs")]);
  const job = performance.now() - began;
  return [job, await startProcess("api"), await startProcess("front")];
}

async function startProcess(role: string): Promise<number> {
  const [port = 0] = await freePorts(1);
  const env = { ...process.env, ROLE: role, PORT: String(port), HOST: "127.0.0.1" };
  const began = performance.now();
  const child = spawn(process.execPath, [join(trio, "app.mjs")], { env, stdio: "ignore" });
  try {
    await healthy("127.0.0.1", port);
    return performance.now() - began;
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}

async function inContainers(): Promise<number[]> {
  const began = performance.now();
  await run("docker", ["run", "--rm", image, "node", "migrate.mjs"]);
  const job = performance.now() - began;
  return [job, await startContainer("api"), await startContainer("front")];
}

async function startContainer(role: string): Promise<number> {
  const began = performance.now();
  const options = ["-d", "-e", `ROLE=${role}`, "-e", "PORT=3000"];
  const container = (await run("docker", ["run", ...options, image])).stdout.trim();
  try {
    const address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    await healthy((await run("docker", ["inspect", "-f", address, container])).stdout.trim(), 3000);
    return performance.now() - began;
  } finally {
    await run("docker", ["rm", "-f", "-v", container]);
  }
}

async function healthy(host: string, port: number): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await answers(host, port))) {
    if (performance.now() > deadline) throw new Error(`${host}:${port} does not get healthy`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port, path: "/healthz", timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
