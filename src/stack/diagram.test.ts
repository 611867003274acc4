import { describe, expect, it } from "vitest";
import { buildStack } from "./build-stack.ts";
import { renderDiagram } from "./diagram.ts";
import { aLocate, aModel } from "./stack-support.ts";

const on = (...names: string[]) => Object.fromEntries(names.map((name) => [name, null]));

function draw(
  services: Record<string, Record<string, unknown>>,
  more: Record<string, unknown> = {},
): string[] {
  const { draft } = buildStack(aModel(services, more), {
    environment: "production",
    locate: aLocate,
    projectDirectory: "/shop",
  });
  return renderDiagram(draft).split("\n");
}

const web = {
  image: "web",
  networks: on("default"),
  environment: { API_URL: "http://api:3000", PORT: "80" },
  "x-roadstead": { routes: ["shop.localhost", { host: "shop.localhost", path: "/admin" }] },
};

describe("the diagram of a stack", () => {
  it("draws each service by its kind, with port or image", () => {
    const lines = draw({
      web,
      db: { image: "postgres:16", networks: on("default") },
      bot: { image: "bot", networks: on("default"), environment: { DISCORD_TOKEN: "t" } },
      job: { image: "job", networks: on("default"), "x-roadstead": { kind: "job" } },
      page: { image: "page", networks: on("default"), "x-roadstead": { site: { root: "dist" } } },
    });
    expect(lines[0]).toBe("flowchart LR");
    expect(lines).toEqual(
      expect.arrayContaining([
        '  subgraph n0["network default"]',
        '    s_web["web<br>:80"]',
        '    s_db[("db<br>postgres:16")]',
        '    s_bot(["bot<br>never twice"])',
        '    s_job{{"job"}}',
        expect.stringContaining('    s_page[/"page'),
        "  end",
      ]),
    );
  });

  it("shows the edge with every host and path, and no edge where nothing is public", () => {
    expect(draw({ web })).toEqual(
      expect.arrayContaining([
        "  visitors((visitors)) --> edge[[edge]]",
        '  edge -- "shop.localhost<br>shop.localhost/admin" --> s_web',
      ]),
    );
    expect(draw({ bot: { image: "bot", networks: on("default") } }).join("\n")).not.toMatch(/edge|visitors/);
  });

  it("draws a call found in the settings once and full, a mere dependency dotted", () => {
    const depends_on = {
      api: { condition: "service_started" },
      seed: { condition: "service_completed_successfully" },
    };
    const lines = draw({
      web: { ...web, command: ["serve", "http://api:3000/"], depends_on },
      api: { image: "api", networks: on("default"), environment: { PORT: "3000" } },
      seed: { image: "seed", networks: on("default") },
    });
    expect(lines.filter((line) => line.startsWith("  s_web -"))).toEqual([
      "  s_web --> s_api",
      "  s_web -. awaits .-> s_seed",
    ]);
  });

  it("boxes services by the networks that they are in, and says which are internal or external", () => {
    const lines = draw(
      {
        web: { ...web, networks: on("front") },
        api: { image: "api", networks: on("front", "back") },
        db: { image: "postgres:16", networks: on("back") },
        odd: { image: "odd", network_mode: "host" },
      },
      { networks: { front: { name: "f", external: true }, back: { name: "b", internal: true } } },
    );
    const boxes = lines.filter((line) => /subgraph/.test(line)).map((line) => /"(.*)"/.exec(line)?.[1]);
    expect(boxes).toEqual(["network front (external)", "networks back + front", "network back (internal)"]);
    expect(lines).toContain('  s_odd(["odd"])');
  });

  it("shows where a database keeps its data", () => {
    const volumes = [
      { type: "volume", source: "db-data", target: "/var/lib/postgresql/data" },
      { type: "bind", source: "/etc/x", target: "/x" },
    ];
    const lines = draw(
      { db: { image: "postgres:16", networks: on("default"), volumes } },
      { volumes: { "db-data": {} } },
    );
    expect(lines.filter((line) => line.includes("---"))).toEqual([
      '  s_db --- v_db_2ddata[("volume db-data")]',
    ]);
  });

  it("takes names that are Mermaid's own words, and quotes what it must", () => {
    const lines = draw({
      end: { image: 'postgres:"16"', networks: on("default") },
      "a-b": { image: "x" },
      a_b: { image: "x" },
    });
    expect(lines.some((line) => line.trim().startsWith("s_end"))).toBe(true);
    const ids = lines.map((line) => /^\s+(s_\w+)/.exec(line)?.[1]).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(3);
  });
});
