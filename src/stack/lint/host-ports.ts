import type { LintRule } from "./rule.ts";

type Holder = { service: string; hostIp: string };

/** Two services, or a service and the edge itself, that want one host port. */
export const hostPorts: LintRule = (context, tell) => {
  const holders = new Map<string, Holder[]>();
  for (const service of context.stack.services) {
    for (const { protocol, published } of service.ports) {
      if (!published) continue;
      const path = `services.${service.name}.ports`;
      const key = `${published.port}/${protocol === "udp" ? "udp" : "tcp"}`;
      const others = holders.get(key) ?? [];
      const clash = others.find((other) => overlap(other.hostIp, published.hostIp));
      if (clash) {
        tell("error", "HOST_PORT_TAKEN", {
          path,
          message:
            clash.service === service.name
              ? `${service.name} publishes host port ${key} twice`
              : `${clash.service} and ${service.name} both publish host port ${key}`,
          fix: "publish one of them on another port, or reach it through a route",
        });
      } else if (protocol !== "udp" && context.edgePorts.includes(published.port)) {
        tell("warning", "EDGE_PORT_PUBLISHED", {
          path,
          message: `port ${published.port} is usually the edge's own: ${service.name} then answers for every host without a route`,
          fix: `remove the port and give ${service.name} a route with a host name`,
        });
      }
      holders.set(key, [...others, { service: service.name, hostIp: published.hostIp }]);
    }
  }
};

function overlap(a: string, b: string): boolean {
  return a === b || [a, b].some((ip) => ip === "0.0.0.0" || ip === "::");
}
