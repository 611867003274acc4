import type { ComposeModel, ComposeService } from "./compose-model.ts";
import type { Stack } from "./stack.ts";

/** Builders for tests: the smallest valid model around what a test is about. */
export function aModel(
  services: Readonly<Record<string, Record<string, unknown>>>,
  more: Readonly<Record<string, unknown>> = {},
): ComposeModel {
  return {
    name: "shop",
    services: services as Record<string, ComposeService>,
    networks: { default: { name: "shop_default" } },
    volumes: {},
    secrets: {},
    configs: {},
    ...more,
  };
}

/** Positions by path alone: every written key stands in compose.yaml, on the line of its depth. */
export const aLocate = (path: string) => ({
  file: "compose.yaml",
  line: path.split(/[.[]/).length,
  column: 1,
});

/** The one line per service that a person would want to check. */
export function summarise(stack: Stack | undefined): Record<string, string> {
  return Object.fromEntries(
    (stack?.services ?? []).map((service) => {
      const ports = service.ports.map(({ port, protocol, published }) => {
        const bound = published ? `<-${published.hostIp}:${published.port} by ${published.by}` : "";
        return `${port}/${protocol}${bound}`;
      });
      const probe = service.probe;
      const probed =
        probe.kind === "http"
          ? `http ${probe.path} ${probe.port}`
          : probe.kind === "tcp"
            ? `tcp ${probe.port}`
            : probe.kind === "exec"
              ? `exec ${probe.argv.join(" ")}`
              : "alive";
      const routes = service.routes.map(({ host, path, port }) => `${host}${path}->${port}`);
      const parts = [service.kind, `${service.strategy} x${service.replicas}`, service.addressing];
      return [
        service.name,
        [...parts, ports.join(" ") || "no ports", probed, routes.join(" ") || "no routes"].join(" | "),
      ];
    }),
  );
}
