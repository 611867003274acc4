import { proberConformance } from "../conformance.ts";
import type { ProbeTarget } from "../port.ts";
import { MemoryProber } from "./memory.ts";

const prober = new MemoryProber();
prober.answer("dead", { ok: false, ms: 1, reason: "connect ECONNREFUSED" });
prober.answer("silent", "silent");
const at = (host: string): ProbeTarget => ({ kind: "tcp", host, port: 1, tls: false, path: "/" });

proberConformance("memory", {
  prober: () => prober,
  good: () => at("good"),
  dead: () => at("dead"),
  silent: () => at("silent"),
});
