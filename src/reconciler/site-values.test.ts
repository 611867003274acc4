import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { edgeConfigOf } from "./edge-config.ts";
import { EdgeDirector } from "./edge-director.ts";
import { ReleaseBook } from "./release-book.ts";
import { siteFile } from "./site-values.ts";
import { aStackService, scope, World } from "./world-support.ts";

const site = (config: Record<string, string>, path = "/") =>
  aStackService("page", {
    kind: "static",
    routes: [{ host: "page.test", path, port: 80, stripPath: path !== "/" }],
    site: { root: "/srv/dist", spa: true, config },
  });

describe("run-time values of a static site (R-099)", () => {
  it("are a script that sets them, and that no value can end", () => {
    const file = siteFile(
      site({ VITE_API_URL: "https://api.test", X: "</script>" }),
      { path: "/" },
      "/sites",
    );
    expect(file?.path).toBe("/config.js");
    expect(file?.text).not.toContain("</script>");
    const read = new Function("globalThis", `${file?.text} return globalThis.ROADSTEAD_CONFIG;`);
    expect(read({})).toEqual({ VITE_API_URL: "https://api.test", X: "</script>" });
  });

  it("lie beside the site, below each of its routes, in a folder named by what is in it", () => {
    const one = siteFile(site({ A: "1" }), { path: "/app" }, "/sites");
    const other = siteFile(site({ A: "2" }), { path: "/app" }, "/sites");
    expect(one?.path).toBe("/app/config.js");
    expect(one?.root).toMatch(/^\/sites\/[0-9a-f]{32}$/);
    expect(other?.root).not.toBe(one?.root);
    expect(siteFile(aStackService("web"), { path: "/" }, "/sites")).toBeUndefined();
  });

  it("are written before the edge is told of them, and change with the release", async () => {
    const world = new World();
    const sitesFolder = mkdtempSync(join(tmpdir(), "roadstead-sites-"));
    await world.deploy([site({ A: "1" })]);
    const parts = world.parts();
    const settings = { ...parts.settings, sitesFolder };
    const director = new EdgeDirector({ ...parts, settings }, new ReleaseBook(parts));
    await director.sync(new AbortController().signal);
    const routes = world.edge.config?.routes ?? [];
    const values = routes.find(({ path }) => path === "/config.js");
    expect(values).toMatchObject({
      host: "page.test",
      stripPath: false,
      action: { kind: "files", spa: false },
    });
    const root = values?.action.kind === "files" ? values.action.root : "";
    expect(readFileSync(join(root, "config.js"), "utf8")).toContain('{"A":"1"}');
    const state = world.store.scopes.get(scope);
    if (!state) throw new Error("no scope");
    const without = edgeConfigOf([{ state, serviceOf: () => undefined }], settings);
    expect(without.routes).toEqual([]);
  });
});
