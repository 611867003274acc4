import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { allForges, fixtureCommit, type SigningForge } from "./forge-support.ts";
import type { CommitStatus } from "./port.ts";

type Asked = Pick<IncomingMessage, "method" | "url" | "headers"> & { body: unknown };

const status: CommitStatus = {
  state: "failure",
  description: "jobs: npm test ended with exit code 1",
  context: "roadstead/production",
};
const { signal } = new AbortController();

describe("commit statuses over HTTP", () => {
  const asked: Asked[] = [];
  let answer: { status: number; headers?: Record<string, string> };
  let url = "";
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (piece) => {
      text += piece;
    });
    request.on("end", () => {
      const { method, url: path, headers } = request;
      asked.push({ method, url: path ?? "", headers, body: JSON.parse(text || "null") });
      response.writeHead(answer.status, answer.headers).end("{}");
    });
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    asked.length = 0;
    answer = { status: 201 };
  });

  const at = () => ({ apiUrl: url, repository: "acme/shop", commit: fixtureCommit, token: "t0ken" });
  const tell = (kind: SigningForge, changes: Partial<CommitStatus> = {}) =>
    allForges[kind].setStatus?.(at(), { ...status, ...changes }, signal);

  it.each([
    ["github", `/repos/acme/shop/statuses/${fixtureCommit}`, "Bearer t0ken", "application/vnd.github+json"],
    ["gitea", `/api/v1/repos/acme/shop/statuses/${fixtureCommit}`, "token t0ken", "application/json"],
    ["forgejo", `/api/v1/repos/acme/shop/statuses/${fixtureCommit}`, "token t0ken", "application/json"],
  ] as const)("%s is told in one POST", async (kind, path, authorization, accept) => {
    await tell(kind, { targetUrl: "http://shop.localhost" });
    expect(asked).toMatchObject([
      {
        method: "POST",
        url: path,
        headers: { authorization, accept, "content-type": "application/json", "user-agent": "roadstead" },
        body: { ...status, target_url: "http://shop.localhost" },
      },
    ]);
    expect(asked[0]?.body).not.toHaveProperty("targetUrl");
    if (kind === "github") expect(asked[0]?.headers["x-github-api-version"]).toBe("2022-11-28");
  });

  it("cuts a description at what forges take", async () => {
    await tell("github", { description: "x".repeat(500) });
    expect(asked[0]?.body).toMatchObject({ description: `${"x".repeat(139)}…` });
  });

  it.each([
    [500, "FORGE_UNREACHABLE"],
    [503, "FORGE_UNREACHABLE"],
    [429, "FORGE_UNREACHABLE"],
    [401, "FORGE_REFUSED"],
    [404, "FORGE_REFUSED"],
    [422, "FORGE_REFUSED"],
  ])("an answer %i is %s, without the token in it", async (code, expected) => {
    answer = { status: code };
    const failure = await tell("gitea")?.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: expected });
    expect(String(failure)).not.toContain("t0ken");
  });

  it("does not carry the token along a redirect", async () => {
    answer = { status: 307, headers: { location: `${url}/elsewhere` } };
    await expect(tell("github")).rejects.toMatchObject({ code: "FORGE_UNREACHABLE" });
    expect(asked).toHaveLength(1);
  });

  it("says that nobody answers", async () => {
    const nowhere = { ...at(), apiUrl: "http://127.0.0.1:1" };
    await expect(allForges.github.setStatus?.(nowhere, status, signal)).rejects.toMatchObject({
      code: "FORGE_UNREACHABLE",
    });
    const { apiUrl: _, ...without } = at();
    await expect(allForges.gitea.setStatus?.(without, status, signal)).rejects.toMatchObject({
      code: "FORGE_REFUSED",
      message: expect.stringContaining("no public address"),
    });
  });
});
