import { describe, expect, it } from "vitest";
import { aStackService } from "../reconciler/world-support.ts";
import { ApiWorld, aProblem, base, deployBody } from "./api-support.ts";
import { errorSchema } from "./contract/models.ts";

const path = `${base}/variables`;
const secretValue = "hunter2-hunter2";

async function set(api: ApiWorld, ...changes: Record<string, unknown>[]) {
  return await api.call("POST", path, { body: { changes, reason: "because" } });
}

describe("variables over the API", () => {
  it("R-107: takes the value of a secret and never gives it back, in no answer and no audit entry", async () => {
    const api = new ApiWorld();
    const answers = [
      await set(
        api,
        { kind: "secret", name: "KEY", value: secretValue },
        { kind: "plain", name: "A", value: "1" },
      ),
      await api.call("GET", path),
      await api.call("GET", `${path}/compare`),
      await api.call("GET", `${path}/compare?with=staging`),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.text).not.toContain(secretValue);
    }
    expect(answers[1]?.json).toMatchObject({
      variables: [
        { name: "A", set: { kind: "plain", value: "1", number: 1, changedBy: "ada" } },
        { name: "KEY", secret: true, set: { kind: "secret", number: 1 } },
      ],
    });
    const audit = api.world.store.audit.list(10);
    expect(audit[0]).toMatchObject({ actor: "ada", action: "secrets.change", detail: { reason: "because" } });
    expect(JSON.stringify(audit)).not.toContain(secretValue);
  });

  it.each([
    [{ kind: "plain", name: "API_TOKEN", value: "abc" }, 422],
    [{ kind: "plain", name: "DATABASE_URL", value: "postgres://app:pw@db/app" }, 422],
    [{ kind: "plain", name: "API_TOKEN", value: "abc", evenIfSecret: true }, 200],
    [{ kind: "plain", name: "DATABASE_URL", value: "postgres://db/app" }, 200],
    [{ kind: "reference", name: "KEY", reference: "nonsense" }, 422],
    [{ kind: "plain", name: "NOT A NAME", value: "x" }, 400],
    [{ kind: "secret", name: "KEY", value: "k".repeat(64 * 1024 + 1) }, 400],
  ])("R-107: %j is answered with %i, and refused wholly", async (change, status) => {
    const api = new ApiWorld();
    const answer = await set(api, { kind: "plain", name: "A", value: "1" }, change);
    expect(answer.status).toBe(status);
    const { variables } = (await api.call("GET", path)).json as { variables: unknown[] };
    expect(variables).toHaveLength(status === 200 ? 2 : 0);
  });

  it("R-102: a provider that is down refuses the deploy by name; nothing is queued", async () => {
    const api = new ApiWorld();
    await set(api, { kind: "reference", name: "KEY", reference: "vault:kv/shop#key" });
    api.secrets.isDown = true;
    const answer = await api.call("POST", `${base}/deployments`, { body: deployBody() });
    expect(answer.status).toBe(503);
    expect(errorSchema.parse(answer.json).error.message).toBe("KEY: vault does not answer");
    expect(api.world.store.deployments.list("all", 10)).toEqual([]);
    const providers = await api.call("GET", "/api/v1/secrets/providers");
    expect(providers.json).toMatchObject({
      providers: [
        { name: "builtin", ok: true },
        { name: "vault", ok: false },
      ],
    });
  });

  it("R-099, R-106: a deploy with a developer's address or a secret in a build argument is refused", async () => {
    const api = new ApiWorld();
    await set(api, { kind: "secret", name: "KEY", value: secretValue });
    const args = { VITE_API_URL: "http://localhost:3000", TOKEN_FILE: secretValue };
    const service = aStackService("web", { compose: { build: { context: "/srv/web", args } } });
    const answer = await api.call("POST", `${base}/deployments`, { body: deployBody([service]) });
    expect(answer.status).toBe(422);
    const codes = errorSchema.parse(answer.json).error.problems?.map(({ code }) => code);
    expect(codes).toEqual(["PUBLIC_VALUE_DENIED", "SECRET_IN_BUILD"]);
    expect(answer.text).not.toContain(secretValue);
  });

  it("R-107: a problem that quotes what was put in shows no secret", async () => {
    const api = new ApiWorld();
    await set(api, { kind: "secret", name: "KEY", value: secretValue });
    api.problems = [aProblem({ message: `expected an integer, got \`${secretValue}\`` })];
    const answer = await api.call("POST", `${base}/deployments`, { body: deployBody() });
    expect(errorSchema.parse(answer.json).error.problems?.[0]?.message).toBe(
      "expected an integer, got `***`",
    );
  });

  it("R-107: logs come masked", async () => {
    const api = new ApiWorld();
    await set(api, { kind: "secret", name: "KEY", value: secretValue });
    await api.world.engine.reconciler.start();
    api.world.runtime.behave("web:1", { lines: [`key is ${secretValue}`] });
    await api.deploy();
    const logs = await api.call("GET", `${base}/logs`);
    expect(logs.text).toContain("key is ***");
    expect(logs.text).not.toContain(secretValue);
  });
});
