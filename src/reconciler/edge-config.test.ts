import { describe, expect, it } from "vitest";
import type { ReleaseId, ReplicaId } from "../rollout/ids.ts";
import type { ComposePort } from "../stack/compose-model.ts";
import type { ScopeState } from "../store/port.ts";
import { edgeConfigOf } from "./edge-config.ts";
import { defaultSettings } from "./parts.ts";
import { urlsOf } from "./status.ts";
import { aStackService, scope } from "./world-support.ts";

const state: ScopeState = {
  scope,
  warm: [],
  scale: {},
  stopped: [],
  restarts: {},
  addresses: [{ service: "web", host: "10.0.0.9", allow: ["10.0.0.0/24"] }],
  routing: {
    web: {
      release: "rel_1" as ReleaseId,
      targets: [{ replica: "web-1" as ReplicaId, host: "10.0.0.2", portMap: {}, weight: 100 }],
      hold: false,
      holdSeconds: 30,
    },
  },
};

function configOf(entry: ComposePort, edge: { host: string; port: number }) {
  const published = {
    hostIp: entry.host_ip ?? "127.0.0.1",
    port: Number(entry.published),
    by: "edge",
  } as const;
  const web = aStackService("web", {
    ports: [{ port: 3000, protocol: "http", published }],
    compose: { ports: [entry] },
  });
  const settings = { ...defaultSettings, holder: "test", http: edge };
  return edgeConfigOf([{ state, serviceOf: () => web }], settings);
}

describe("published ports of services behind the edge", () => {
  const edge = { host: "0.0.0.0", port: 80 };
  const backend = "shop/production/web:3000";

  it("let everybody in who reaches the address, unlike internal addresses", () => {
    expect(configOf({ target: 3000, published: "8080" }, edge).internal).toEqual([
      { host: "10.0.0.9", port: 3000, protocol: "http", backend, allow: ["10.0.0.0/24"] },
      { host: "127.0.0.1", port: 8080, protocol: "http", backend, allow: ["0.0.0.0/0", "::/0"] },
    ]);
  });

  it("are told beside the routes", () => {
    const at = (hostIp: string, protocol: "http" | "tcp") => ({
      port: 3000,
      protocol,
      published: { hostIp, port: 8080, by: "edge" } as const,
    });
    const ports = [at("127.0.0.1", "http"), at("0.0.0.0", "http"), at("::1", "http"), at("127.0.0.1", "tcp")];
    expect(urlsOf(aStackService("web", { ports }), { ...defaultSettings, holder: "", http: edge })).toEqual([
      "http://web.test",
      "http://127.0.0.1:8080",
      "http://localhost:8080",
      "http://[::1]:8080",
    ]);
  });

  it("become the answer to every other host where the edge itself has the port", () => {
    const { routes, internal } = configOf({ target: 3000, published: "80" }, edge);
    expect(internal.map(({ host }) => host)).toEqual(["10.0.0.9"]);
    expect(routes.at(-1)).toMatchObject({ host: "*", path: "/", action: { kind: "proxy", backend } });
  });

  it("stay on the address that the file writes beside an edge on all of them", () => {
    const { routes, internal } = configOf({ target: 3000, published: "80", host_ip: "127.0.0.1" }, edge);
    expect(internal.map(({ host, port }) => `${host}:${port}`)).toEqual(["10.0.0.9:3000", "127.0.0.1:80"]);
    expect(routes.map(({ host }) => host)).toEqual(["web.test"]);
  });
});
