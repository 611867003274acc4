import { describe, expect, it } from "vitest";
import { buildStack } from "./build-stack.ts";
import { readHealthCommand } from "./health-command.ts";
import type { Probe } from "./stack.ts";
import { aLocate, aModel } from "./stack-support.ts";

function built(service: Record<string, unknown>) {
  return buildStack(aModel({ app: { image: "node:24-alpine", ...service } }), {
    environment: "production",
    locate: aLocate,
    projectDirectory: "/srv",
  });
}

function probe(service: Record<string, unknown>): Probe | undefined {
  return built(service).stack?.services[0]?.probe;
}

const shell = (text: string, environment: Record<string, string> = {}) =>
  readHealthCommand(["CMD-SHELL", text], environment, ["app"]);

describe("health check commands", () => {
  it.each([
    ["curl http://localhost:8083", "/", 8083],
    ["curl -f http://localhost:8083/path", "/path", 8083],
    ["curl -fsS http://127.0.0.1:3000/healthz || exit 1", "/healthz", 3000],
    [
      "curl --fail --silent --max-time 5 http://localhost:3000/a?b=c >/dev/null 2>&1 || exit 1",
      "/a?b=c",
      3000,
    ],
    ["curl -sSfo /dev/null localhost:3000", "/", 3000],
    ["curl -f http://localhost/", "/", 80],
    ["curl -f 'http://[::1]:3000/'", "/", 3000],
    ["curl -f http://app:3000/", "/", 3000],
    ["wget -q --spider http://localhost:3000/health || exit 1", "/health", 3000],
    ["wget --no-verbose --tries=1 --spider http://localhost:3000/ || exit 1", "/", 3000],
    ["wget -qO- http://localhost:3000/ > /dev/null || exit 1", "/", 3000],
    ["/usr/bin/wget -q -O /dev/null -T 3 http://localhost:3000/", "/", 3000],
    ["curl -f http://localhost:$PORT/x || false", "/x", 4000],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's syntax, not ours
    ["curl -f http://localhost:${PORT:-9}/x", "/x", 4000],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's syntax, not ours
    ["curl -f http://localhost:${OTHER:-9000}/x", "/x", 9000],
  ])("asks from outside instead of %j (R-159)", (text, path, port) => {
    expect(shell(text, { PORT: "4000" })).toMatchObject({ kind: "http", path, port });
  });

  it("takes exec form and an explicit shell alike", () => {
    const url = "http://localhost:3000/x";
    const expected = { kind: "http", path: "/x", port: 3000, expect: [], tool: "curl" };
    expect(readHealthCommand(["CMD", "curl", "-f", url], {}, [])).toEqual(expected);
    expect(readHealthCommand(["CMD", "sh", "-c", `curl -f ${url} || exit 1`], {}, [])).toEqual(expected);
  });

  it("counts any answer below 500 where curl had no --fail", () => {
    const check = shell("curl -s http://localhost:3000");
    expect(check?.kind === "http" && [check.expect.includes(404), check.expect.includes(500)]).toEqual([
      true,
      false,
    ]);
  });

  it.each([
    "pg_isready -U harbor",
    "redis-cli ping | grep PONG",
    "curl -f http://localhost:3000 && test -f /ready",
    "curl -f -H 'Host: x' http://localhost:3000",
    "curl -f http://other:3000/",
    "curl -f https://localhost:3000/",
    "curl -f http://localhost:$UNKNOWN/",
    "curl -f http://localhost:3000/ http://localhost:3001/",
    "curl -X POST http://localhost:3000/",
    "curl -f $(cat /url)",
    "curl",
    "wget --post-data=x http://localhost:3000",
    "",
  ])("leaves %j inside the image", (text) => {
    expect(shell(text)).toMatchObject({ kind: "exec", shell: true, argv: [text] });
  });

  it("turns nc -z into a connection", () => {
    expect(shell("nc -z localhost 5432 || exit 1")).toEqual({ kind: "tcp", port: 5432, tool: "nc" });
    expect(shell("nc -zv 127.0.0.1 5432")).toMatchObject({ kind: "tcp" });
    expect(shell("nc localhost 5432")).toMatchObject({ kind: "exec" });
  });
});

describe("probe", () => {
  const test = ["CMD", "node", "healthcheck.js"];

  it("runs an exec check with the healthcheck's timings (R-158)", () => {
    expect(
      probe({ healthcheck: { test, interval: "30s", timeout: "3s", retries: 5, start_period: "1m" } }),
    ).toEqual({
      kind: "exec",
      argv: ["node", "healthcheck.js"],
      shell: false,
      intervalSeconds: 30,
      timeoutSeconds: 3,
      retries: 5,
      startPeriodSeconds: 60,
    });
  });

  it("uses Compose's defaults for a healthcheck and adds its start period to the ready timeout", () => {
    const { stack } = built({ healthcheck: { test, start_period: "90s" } });
    expect(stack?.services[0]).toMatchObject({
      readyTimeoutSeconds: 210,
      probe: { intervalSeconds: 30, timeoutSeconds: 30, retries: 3 },
    });
  });

  it("prefers x-roadstead.health and keeps the healthcheck's timings", () => {
    const health = { http: "/healthz", port: 3000, interval: "1s" };
    expect(probe({ healthcheck: { test, retries: 9 }, "x-roadstead": { health } })).toMatchObject({
      kind: "http",
      path: "/healthz",
      port: 3000,
      intervalSeconds: 1,
      retries: 9,
    });
    expect(probe({ "x-roadstead": { health: { exec: ["ok"] } } })).toMatchObject({
      kind: "exec",
      argv: ["ok"],
    });
    expect(probe({ expose: ["70"], "x-roadstead": { health: { tcp: true } } })).toMatchObject({
      kind: "tcp",
      port: 70,
    });
    expect(probe({ "x-roadstead": { health: { tcp: 99 } } })).toMatchObject({ kind: "tcp", port: 99 });
  });

  it("falls back to the main port and says so once (R-162)", () => {
    const { stack, problems } = built({ expose: ["3000", "3001"] });
    expect(stack?.services[0]?.probe).toMatchObject({ kind: "tcp", port: 3000, intervalSeconds: 5 });
    expect(problems.map(({ code, severity }) => [code, severity])).toEqual([["NO_HEALTH_CHECK", "warning"]]);
  });

  it("is content with a living worker, without a warning (R-012)", () => {
    const { stack, problems } = built({});
    expect(stack?.services[0]?.probe).toMatchObject({ kind: "alive", stableSeconds: 1 });
    expect(problems).toEqual([]);
  });

  it("does not warn where the check was switched off on purpose", () => {
    for (const healthcheck of [{ disable: true }, { test: ["NONE"] }]) {
      const { stack, problems } = built({ expose: ["3000"], healthcheck });
      expect(stack?.services[0]?.probe).toMatchObject({ kind: "tcp", port: 3000 });
      expect(problems).toEqual([]);
    }
  });

  it("asks to choose between two checks, and for a port it cannot know", () => {
    const codes = (health: unknown) => built({ "x-roadstead": { health } }).problems.map(({ code }) => code);
    expect(codes({ http: "/", port: 1, exec: ["x"] })).toEqual(["HEALTH_AMBIGUOUS"]);
    expect(codes({ tcp: true })).toEqual(["PORT_UNKNOWN"]);
  });
});
