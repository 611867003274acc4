import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../lib/run.ts";
import { GitSources } from "./git.ts";

const { signal } = new AbortController();
const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];

describe("git sources (R-064)", () => {
  let home: string;
  let work: string;
  let sources: GitSources;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "roadstead-source-"));
    work = mkdtempSync(join(tmpdir(), "roadstead-work-"));
    sources = new GitSources({ home, hookCommand: ["/bin/sh", "-c", "cat; echo pushed by $WHO"] });
  });
  afterEach(() => {
    rmSync(home, { recursive: true, force: true });
    rmSync(work, { recursive: true, force: true });
  });

  async function git(...argv: string[]): Promise<string> {
    const outcome = await run(["git", "-C", work, ...who, ...argv], { timeoutMs: 20_000 });
    if (outcome.exitCode !== 0) throw new Error(outcome.stderr);
    return outcome.stdout.trim() + outcome.stderr;
  }

  async function commit(files: Record<string, string>, subject: string): Promise<string> {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text);
    await git("add", ...Object.keys(files));
    await git("commit", "--quiet", "-m", subject);
    return (await git("rev-parse", "HEAD")).trim();
  }

  async function served<T>(use: (url: string) => Promise<T>): Promise<T> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://x");
      const answer = sources.serve(
        "shop",
        {
          method: request.method === "POST" ? "POST" : "GET",
          path: url.pathname.replace(/^\/shop\.git/, ""),
          query: url.search.slice(1),
          contentType: request.headers["content-type"] ?? "",
          contentEncoding: request.headers["content-encoding"] ?? "",
          protocol: String(request.headers["git-protocol"] ?? ""),
          body: request,
          user: "ada",
          hook: { WHO: "ada" },
        },
        signal,
      );
      answer
        .then(async ({ status, headers, body }) => {
          response.writeHead(status, headers);
          await pipeline(body, response);
        })
        .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/shop.git`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it("takes a push of a plain git client, shows it what the hook prints, and gives the files of the commit alone", async () => {
    await git("init", "--quiet", "--initial-branch=main");
    const first = await commit({ "compose.yaml": "services: {}\n", note: "one" }, "Start");
    writeFileSync(join(work, "untracked"), "only on this laptop");
    await sources.ensure("shop", signal);
    const shown = await served((url) => git("push", url, "main"));
    expect(shown).toContain("remote: pushed by ada");
    expect(shown).toContain(`${first} refs/heads/main`);
    expect(await sources.resolve("shop", "main", signal)).toBe(first);
    const folder = await sources.checkout("shop", first, signal);
    expect((await readdir(folder)).sort()).toEqual(["compose.yaml", "note"]);
    expect(await sources.checkout("shop", first, signal)).toBe(folder);
    expect(await sources.describe("shop", first, signal)).toMatchObject({ subject: "Start", author: "Ada" });
  });

  it("says what changed between two commits, fetches from elsewhere, prunes old checkouts", async () => {
    await git("init", "--quiet", "--initial-branch=main");
    const first = await commit({ a: "1", b: "1" }, "Start");
    const second = await commit({ b: "2", "with space": "1" }, "Change");
    expect(await sources.fetch("shop", { url: work, ref: "refs/heads/main" }, signal)).toBe(second);
    expect(await sources.changed("shop", first, second, signal)).toEqual(["b", "with space"]);
    expect(await sources.changed("shop", "0".repeat(40), second, signal)).toBeUndefined();
    const old = await sources.checkout("shop", first, signal);
    const kept = await sources.checkout("shop", second, signal);
    await sources.prune("shop", new Set([second]));
    expect(await readFile(join(kept, "b"), "utf8")).toBe("2");
    await expect(readFile(join(old, "b"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each(["../shop", "a/b", "", ".git", "-x", "A"])("refuses the name %j", async (name) => {
    await expect(sources.ensure(name, signal)).rejects.toMatchObject({ code: "SOURCE_NAME_INVALID" });
  });

  it("says what is wrong with a repository that can't be fetched, and does not take an option for an address", async () => {
    const from = { url: "--upload-pack=touch owned", ref: "main" };
    await expect(sources.fetch("shop", from, signal)).rejects.toMatchObject({ code: "SOURCE_FETCH_FAILED" });
    expect(await sources.resolve("shop", "--all", signal)).toBeUndefined();
  });
});
