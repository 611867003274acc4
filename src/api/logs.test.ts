import { beforeEach, describe, expect, it } from "vitest";
import { MemoryLogStore } from "../logs/drivers/memory.ts";
import { lines, scope } from "../logs/logs-support.ts";
import { ApiWorld } from "./api-support.ts";
import { createToken } from "./auth/token.ts";

describe("kept log lines", () => {
  let api: ApiWorld;
  let logs: MemoryLogStore;
  beforeEach(() => {
    api = new ApiWorld();
    logs = new MemoryLogStore();
    api.parts.logs = logs;
    logs.append({ scope, lines: lines(["ERROR order 1 failed", "fine"], { line: { level: "error" } }) });
    const blog = { stack: "blog", environment: "production" };
    logs.append({ scope: blog, lines: lines(["of the blog"], { from: 5000 }) });
  });
  const texts = async (path: string, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await api.call("GET", `/api/v1/logs${path}`, { headers });
    const { lines: found, next } = answer.json as { lines?: { text: string }[]; next?: string };
    return { status: answer.status, texts: found?.map(({ text }) => text), next };
  };

  it("are searched over all stacks, filtered and paged (R-191, R-286)", async () => {
    expect(await texts("")).toMatchObject({ texts: ["ERROR order 1 failed", "fine", "of the blog"] });
    expect(await texts("?scope=shop/production&text=order")).toMatchObject({
      texts: ["ERROR order 1 failed"],
    });
    expect(await texts("?level=error&limit=1")).toMatchObject({ texts: ["fine"] });
    const { next = "" } = await texts("?limit=1");
    expect(await texts(`?limit=1&cursor=${encodeURIComponent(next)}`)).toMatchObject({ texts: ["fine"] });
    expect((await texts("?cursor=nonsense")).status).toBeGreaterThanOrEqual(400);
    expect(await texts("?level=loud")).toMatchObject({ status: 400 });
  });

  it("are only shown to who may read their stack, others look like none (R-224, R-249)", async () => {
    const grants = [{ role: "viewer", stack: "blog" } as const];
    const { secret } = createToken("blog only", api.world.parts(), { grants });
    expect(await texts("", secret)).toMatchObject({ status: 200, texts: ["of the blog"] });
    expect(await texts("?scope=blog/production", secret)).toMatchObject({ texts: ["of the blog"] });
    expect(await texts("?scope=shop/production", secret)).toMatchObject({ status: 404 });
    expect(await texts("?scope=blog/production,shop/production", secret)).toMatchObject({ status: 404 });
    expect(
      (await texts("/errors?stack=shop&environment=production&release=v1&against=v2", secret)).status,
    ).toBe(404);
  });
});
