import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveBundle } from "../../bin/resolve-bundle.ts";
import { type GatherRequest, gatherBundle } from "./gather-bundle.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "roadstead-bundle-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function request(changes: Partial<GatherRequest> = {}): GatherRequest {
  return {
    set: { files: [join(folder, "compose.yaml")], projectDirectory: folder },
    cwd: folder,
    environmentName: "production",
    variables: {},
    profiles: [],
    envFiles: [],
    ...changes,
  };
}

const compose = `
name: shop
services:
  web:
    image: nginx:\${TAG:-1}
    env_file: web.env
    secrets: [password, key]
secrets:
  password: { file: ./password.txt }
  key: { environment: SIGNING_KEY }
`;

describe("gathering a bundle", () => {
  it("takes every text that was read and only the variables that were used; secrets travel beside it", async () => {
    const file = write("compose.yaml", compose);
    const env = write("web.env", "COLOUR=blue\n");
    const dotEnv = write(".env", "TAG=7\nUNUSED=1\n");
    write("password.txt", "hunter2");
    const gathered = await gatherBundle(request({ variables: { SIGNING_KEY: "k3y", HOME: "/root" } }));
    expect(gathered.problems.filter((problem) => problem.severity === "error")).toEqual([]);
    expect(gathered.stack?.name).toBe("shop");
    expect(Object.keys(gathered.bundle.texts).sort()).toEqual([dotEnv, file, env].sort());
    expect(gathered.stack?.services[0]?.compose.image).toBe("nginx:7");
    expect(gathered.bundle.variables).toEqual({});
    expect(Buffer.from(gathered.files["password"] ?? "").toString()).toBe("hunter2");
    expect(Buffer.from(gathered.files["key"] ?? "").toString()).toBe("k3y");
    expect(JSON.stringify(gathered.bundle)).not.toMatch(/hunter2|k3y/);
  });

  it("gives the same stack again from the bundle alone, with an env file of another name", async () => {
    write(
      "compose.yaml",
      `name: shop\nservices:\n  web:\n    image: nginx:\${TAG}\n    labels: { by: $WHO }\n`,
    );
    const envFile = write("release.env", "TAG=9\n");
    const { bundle, stack } = await gatherBundle(
      request({ envFiles: ["release.env"], variables: { WHO: "ada", OTHER: "x" } }),
    );
    expect(bundle).toMatchObject({ envFiles: [envFile], variables: { WHO: "ada" } });
    const again = resolveBundle(bundle, "production");
    expect(again.stack).toEqual(stack);
    expect(again.stack?.services[0]?.compose.image).toBe("nginx:9");
  });

  it("takes along what a service only passes on: names without a value, and names used in an env file", async () => {
    write(
      "compose.yaml",
      "name: shop\nservices:\n  web:\n    image: nginx\n    env_file: web.env\n    environment: { API_KEY: }\n  worker:\n    image: nginx\n    environment: [TOKEN, UNSET]\n",
    );
    write("web.env", `GREETING=hello $WHO\n`);
    const variables = { API_KEY: "key", TOKEN: "token", WHO: "ada", OTHER: "x" };
    const { bundle, stack } = await gatherBundle(request({ variables }));
    expect(bundle.variables).toEqual({ API_KEY: "key", TOKEN: "token", WHO: "ada" });
    const again = resolveBundle(bundle, "production");
    expect(again.stack).toEqual(stack);
    expect(again.stack?.services.find(({ name }) => name === "web")?.compose.environment).toEqual({
      API_KEY: "key",
      GREETING: "hello ada",
    });
  });

  it("names each secret whose content is missing before anything is sent (R-281)", async () => {
    write("compose.yaml", compose);
    write("web.env", "");
    const { problems } = await gatherBundle(request());
    const missing = problems.filter((problem) => problem.severity === "error").map((problem) => problem.path);
    expect(missing).toEqual(expect.arrayContaining(["secrets.password", "secrets.key"]));
  });

  it("names a required variable that is not set (R-281)", async () => {
    write(
      "compose.yaml",
      `name: shop\nservices:\n  redis:\n    image: redis:7\n    command: redis-server --requirepass \${REDIS_PASSWORD:?must be set}\n`,
    );
    const { problems } = await gatherBundle(request());
    expect(problems.map((problem) => problem.message).join("\n")).toContain("REDIS_PASSWORD");
  });
});
