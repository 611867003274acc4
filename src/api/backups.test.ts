import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aStackService } from "../reconciler/world-support.ts";
import { tarOf } from "../runtime/volumes-conformance.ts";
import { ApiWorld, base } from "./api-support.ts";
import { createToken } from "./auth/token.ts";
import type { BackupView } from "./contract/backups.ts";

const archive = tarOf("./avatar.png", "pixels");
const repositoryUrl = "/api/v1/backup-repositories";

let api: ApiWorld;
beforeEach(async () => {
  api = new ApiWorld();
  await api.world.engine.reconciler.start();
  const volumes = [{ type: "bind" as const, source: "/srv/uploads", target: "/uploads" }];
  await api.deploy([aStackService("web", { compose: { volumes } })]);
  api.world.runtime.volumeFiles.write("/srv/uploads", archive);
  api.parts.backups.vault.start();
});
afterEach(() => api.parts.backups.vault.stop());

async function addRepository(): Promise<void> {
  const body = { name: "main", location: "/backups" };
  const answer = await api.call("POST", repositoryUrl, { body });
  expect(answer.status).toBe(201);
}

async function backUp(): Promise<BackupView> {
  const answer = await api.call("POST", `${base}/backups`, { body: {} });
  expect(answer.status).toBe(202);
  const [begun] = (answer.json as { backups: BackupView[] }).backups;
  for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return (await api.call("GET", `/api/v1/backups/${begun?.id}`)).json as BackupView;
}

describe("backups over HTTP (R-136, R-144, R-282)", () => {
  it("plans, and says that there is nowhere to go", async () => {
    const { json } = await api.call("GET", `${base}/backups/plan`);
    expect(json).toMatchObject({ sources: [{ name: "web.uploads", kind: "bind", supported: true }] });
    expect(json).not.toHaveProperty("repository");
    expect((await api.call("POST", `${base}/backups`, { body: {} })).status).toBe(409);
  });

  it("backs up, lists, shows, verifies again and keeps", async () => {
    await addRepository();
    const run = await backUp();
    expect(run).toMatchObject({ state: "done", verdict: "verified", requestedBy: "ada" });
    expect((await api.call("GET", `${base}/backups`)).json).toMatchObject({ backups: [{ id: run.id }] });
    expect((await api.call("POST", `/api/v1/backups/${run.id}/verify`)).status).toBe(202);
    const pinned = await api.call("POST", `/api/v1/backups/${run.id}/pin`, { body: { pinned: "proof" } });
    expect(pinned.json).toMatchObject({ pinned: "proof" });
    expect((await api.call("GET", "/api/v1/backups/nothing")).status).toBe(404);
    const actions = api.parts.store.audit.list(10).map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(["backup.repository.add", "backup.run", "backup.pin"]));
  });

  it("gives the content in its plain format, with size and digest last, and writes down who took it", async () => {
    await addRepository();
    const run = await backUp();
    const { text } = await api.call("GET", `/api/v1/backups/${run.id}/content`);
    const items = text
      .trim()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { bytes?: string; end?: { sha256: string } });
    const bytes = Buffer.concat(items.map((item) => Buffer.from(item.bytes ?? "", "base64")));
    expect(bytes.equals(archive)).toBe(true);
    const sha256 = createHash("sha256").update(archive).digest("hex");
    expect(items.at(-1)).toEqual({ end: { sizeBytes: archive.byteLength, sha256 } });
    expect(run.snapshot?.sha256).toBe(sha256);
    expect(api.parts.store.audit.list(1)[0]).toMatchObject({ action: "backup.pull", target: run.id });
  });

  it("shows a key once, and repositories without it", async () => {
    const body = {
      name: "s3",
      location: "s3:https://host/bucket",
      credentials: { AWS_SECRET_ACCESS_KEY: "hidden" },
    };
    const added = await api.call("POST", repositoryUrl, { body });
    const { key } = added.json as { key: string };
    const listed = await api.call("GET", repositoryUrl);
    expect(listed.json).toMatchObject({ repositories: [{ name: "s3", isDefault: true }] });
    expect(listed.text).not.toContain(key);
    expect(listed.text + added.text).not.toContain("hidden");
    expect((await api.call("POST", `${repositoryUrl}/s3/key`)).json).toEqual({ key });
    expect((await api.call("POST", repositoryUrl, { body: { name: "x", location: "nowhere" } })).status).toBe(
      400,
    );
    const checked = await api.call("POST", `${repositoryUrl}/s3/check`, { body: { readData: true } });
    expect(JSON.parse(checked.text.trim())).toEqual({ problems: [], sizeBytes: 0 });
  });

  it("lets a viewer look, an operator of another stack do nothing, and nobody but an administrator see a key", async () => {
    await addRepository();
    const run = await backUp();
    const as = async (role: "viewer" | "operator", stack: string) => {
      const { secret } = createToken(`${role}-${stack}`, api.parts, { grants: [{ role, stack }] });
      const headers = { authorization: `Bearer ${secret}` };
      const status = async (method: string, path: string) =>
        (await api.call(method, path, { headers, ...(method === "POST" ? { body: {} } : {}) })).status;
      return [
        await status("GET", `/api/v1/backups/${run.id}`),
        await status("GET", `/api/v1/backups/${run.id}/content`),
        await status("POST", `${base}/backups`),
        await status("POST", `${repositoryUrl}/main/key`),
      ];
    };
    expect(await as("viewer", "shop")).toEqual([200, 403, 403, 403]);
    expect((await as("operator", "other")).map((status) => status >= 400)).toEqual([true, true, true, true]);
    expect(await as("operator", "shop")).toEqual([200, 200, 202, 403]);
  });
});
