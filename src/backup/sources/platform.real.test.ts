import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { platformSource } from "../../../bin/server-loss.ts";
import { compareManifests } from "../../policy/backup-verdict.ts";
import { openStoreOfHome } from "../../store/drivers/sqlite-rotation.ts";
import type { Store } from "../../store/port.ts";

const { signal } = new AbortController();
const scope = { stack: "shop", environment: "production" };
const source = platformSource(() => 1_800_000_000_000);
let folder = "";
let home = "";
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "roadstead-platform-"));
  home = join(folder, "home");
  await mkdir(join(home, "certificates"), { recursive: true });
  await writeFile(join(home, "certificates", "shop.key"), "a private key");
  store = openStoreOfHome({ path: join(home, "roadstead.db"), keyPath: join(home, "key") }).store;
  store.records.put("users", "ada", { name: "Ada" });
  for (let at = 1; at <= 3; at += 1)
    store.audit.append({ at, actor: "ada", action: "deploy", target: "shop", detail: {} });
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

it("copies the state while it is in use, so that another host opens it with its secrets (R-148)", async () => {
  const version = store.secrets.put(scope, "token", Buffer.from("s3cret"));
  const dump = await source.dump({ home }, signal);
  const other = join(folder, "other");
  await source.restore(dump.content, { home: other }, signal);
  const manifest = await dump.manifest();
  expect(compareManifests(manifest, await source.inspect({ home: other }))).toEqual([]);
  expect(manifest.parts).toContainEqual({ name: "records.users", rows: 1 });
  expect(manifest.parts.find(({ name }) => name === "audit")?.checksum).toBe(store.audit.list(1)[0]?.hash);
  expect(await readFile(join(other, "certificates", "shop.key"), "utf8")).toBe("a private key");
  const opened = openStoreOfHome({ path: join(other, "roadstead.db"), keyPath: join(other, "key") }).store;
  expect(Buffer.from(opened.secrets.get(scope, "token", version) ?? []).toString()).toBe("s3cret");
  opened.close();
  expect((await readdir(home)).filter((name) => name.startsWith("state-copy-"))).toEqual([]);
});

it("tells a copy that lost a row, and one whose key is another, from a good one (R-148)", async () => {
  const dump = await source.dump({ home }, signal);
  const other = join(folder, "other");
  await source.restore(dump.content, { home: other }, signal);
  const place = { path: join(other, "roadstead.db"), keyPath: join(other, "key") };
  const changed = openStoreOfHome(place).store;
  changed.records.remove("users", "ada");
  changed.close();
  const differences = compareManifests(await dump.manifest(), await source.inspect({ home: other }));
  expect(differences).toEqual(["records.users is missing in the restored copy"]);
  await writeFile(place.keyPath, randomBytes(32));
  await expect(source.inspect({ home: other })).rejects.toMatchObject({
    code: "BACKUP_SOURCE_FAILED",
  });
});
