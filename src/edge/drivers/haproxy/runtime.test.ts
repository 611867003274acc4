import { describe, expect, it } from "vitest";
import { batches } from "./admin-socket.ts";
import { parseSessions } from "./control.ts";
import { parseStats } from "./counts.ts";
import { layoutOf } from "./layout.ts";
import { parseEntries } from "./map-changes.ts";
import { parseProcesses } from "./process.ts";
import type { RenderedMaps } from "./render-maps.ts";
import { parseLogLine } from "./request-log.ts";
import { changeRuntime, planRuntime } from "./runtime.ts";
import { parseServers, type Servers, serverCommands } from "./servers.ts";
import { bySlot, parseUpgraded } from "./target-counters.ts";

const at = (port: number, weight: number, state: "ready" | "drain" = "ready") => ({
  ...{ host: "127.0.0.1", port, weight, state },
});
const maps = (pools: string): RenderedMaps => ({
  ...{ routes: [], sticky: [], tokens: [], version: [] },
  pools: [["p1", pools]],
});
const state = (servers: Servers, pools: string) => ({ servers, maps: maps(pools), trusted: [] });

describe("HAProxy runtime changes", () => {
  it("gives weight before it takes weight, so that a backend is never without", () => {
    const from = new Map([
      ["p1/s1", at(1, 100)],
      ["p1/s2", at(2, 0)],
    ]);
    const to = new Map([
      ["p1/s1", at(1, 0)],
      ["p1/s2", at(2, 100)],
    ]);
    const { raise, lower } = serverCommands(from, to);
    expect(raise).toEqual(["set server p1/s2 weight 100"]);
    expect(lower).toEqual(["set server p1/s1 weight 0"]);
  });

  it("sets address and weight of a new target before it is ready, and drains one that left", () => {
    const { raise, lower } = serverCommands(
      new Map([["p1/s1", at(1, 100)]]),
      new Map([
        ["p1/s1", at(1, 0, "drain")],
        ["p1/s2", at(2, 100)],
      ]),
    );
    expect(raise).toEqual([
      "set server p1/s2 addr 127.0.0.1 port 2",
      "set server p1/s2 weight 100",
      "set server p1/s2 state ready",
    ]);
    expect(lower).toEqual(["set server p1/s1 weight 0", "set server p1/s1 state drain"]);
  });

  it("asks for nothing when nothing changes", () => {
    const same = new Map([["p1/s1", at(1, 100)]]);
    const plan = planRuntime(state(same, "0|9|0|5"), state(same, "0|9|0|5"), same);
    expect([plan.servers.raise, plan.servers.lower, plan.maps, plan.trusted]).toEqual([[], [], [], false]);
  });

  it("lifts a hold only after the old target is out", async () => {
    const old = new Map([["p1/s1", at(1, 100)]]);
    const fresh = new Map([["p1/s2", at(2, 100)]]);
    const sent: string[] = [];
    const send = async (command: string) => {
      sent.push(command);
      return command.startsWith("prepare") ? "New version created: 7\n" : "";
    };
    const change = planRuntime(state(old, "1|9|1|5"), state(fresh, "0|9|0|5"), old);
    await changeRuntime(send, change, layoutOf("/home"));
    const position = (text: string) => sent.findLastIndex((command) => command.includes(text));
    expect(position("p1/s2 state ready")).toBeLessThan(position("p1/s1 state maint"));
    expect(position("p1/s1 state maint")).toBeLessThan(position("p1 0|9|0|5"));
    expect(sent.filter((command) => command.includes("p1 0|9|0|5"))).toHaveLength(1);
    expect(sent.filter((command) => command.includes("p1 1|9|1|5"))).toHaveLength(1);
  });

  it("joins commands up to HAProxy's line length and leaves payloads alone", () => {
    expect(batches(["a", "b", "add <<\nx", "c"])).toEqual(["a;b", "add <<\nx", "c"]);
    expect(batches(["x".repeat(8_000), "y"])).toHaveLength(2);
  });
});

describe("HAProxy's answers", () => {
  it("reads servers, without those in maintenance", () => {
    const text =
      "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_port\n" +
      "9 p1 1 s1 127.0.0.1 2 4 90 3001\n9 p1 2 s2 127.0.0.1 2 8 0 3002\n9 p1 3 s3 127.0.0.1 0 5 1 9\n";
    expect([...parseServers(text)]).toEqual([
      ["p1/s1", at(3001, 90)],
      ["p1/s2", at(3002, 0, "drain")],
    ]);
  });

  it("adds up the counts of a slot's variants", () => {
    const text =
      "# pxname,svname,scur,econ,eresp,wredis,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other\n" +
      "p1,s1,1,0,0,0,0,5,0,0,1,0\nz1,s1,2,1,0,0,0,3,0,0,0,0\nfiles,s1,0,0,0,0,0,9,0,0,0,0\n";
    const slots = bySlot(parseStats(text));
    expect([...slots.keys()]).toEqual(["1/1"]);
    expect(slots.get("1/1")).toMatchObject({
      open: 3,
      counts: { status2xx: 8, status5xx: 1, connectErrors: 1 },
    });
  });

  it("reads workers, maps, sessions, upgraded connections and log lines", () => {
    const processes =
      "10 master 1 [failed: 2] x\n# workers\n12 worker 0\n# old workers\n11 worker 1\n# programs\n";
    expect(parseProcesses(processes)).toEqual({ workers: [12], old: [11], failed: 2 });
    expect(parseEntries("0x1f a.test/ p1|0\n\n")).toEqual(["a.test/ p1|0"]);
    const session = "0x5f: proto=tcpv4 src=127.0.0.1:1 fe=public be=p1 srv=s2 ts=00 epoch=0\n";
    expect(parseSessions(session)).toEqual([{ id: "0x5f", server: "p1/s2" }]);
    expect(parseUpgraded("0x1: key=p1/s2 use=1 exp=5 shard=0 conn_cur=2\n").get("1/2")).toBe(2);
    expect(parseLogLine("1795246622.296 p1/s1 200 12 +13")).toEqual({
      ...{ at: 1_795_246_622_296, pool: "p1", server: "s1", status: 200, responseMs: 12 },
    });
    expect(parseLogLine("[ALERT] something")).toBeUndefined();
  });
});
