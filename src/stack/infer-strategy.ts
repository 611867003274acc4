import type { ComposeMount, ComposeService } from "./compose-model.ts";
import type { ServiceFacts, Tell } from "./facts.ts";
import type { CanaryPolicy, ServiceKind, ServicePort, StrategyName } from "./stack.ts";

export type StrategyInput = {
  facts: ServiceFacts;
  kind: ServiceKind;
  ports: readonly ServicePort[];
  replicas: number;
};

/** Host files that programs only read, even where the file does not say so. */
const systemFiles =
  /^\/(etc\/(localtime|timezone|hosts|ssl|ca-certificates)|usr\/share\/(zoneinfo|ca-certificates)|proc|sys)(\/|$)/;

/**
 * Volumes that two replicas would write at once. Anonymous volumes and tmpfs belong to one replica, so they do not count.
 */
export function writableVolumes(compose: ComposeService): ComposeMount[] {
  return (compose.volumes ?? []).filter(
    ({ type, source, read_only }) =>
      (type === "volume" || type === "bind") &&
      source !== undefined &&
      read_only !== true &&
      !(type === "bind" && systemFiles.test(source)),
  );
}

/**
 * Variables of chat gateways: a second copy with the same token would answer every message twice, or push the first
 * one off (R-090; https://discord.com/developers/docs/events/gateway, https://core.telegram.org/bots/api#getupdates).
 */
const gatewayToken = /^(DISCORD_(BOT_)?TOKEN|TELEGRAM_(BOT_)?TOKEN|SLACK_APP_TOKEN)$/;

/**
 * How a service is replaced. Stop-first (`recreate`) where two copies would write one volume or bind one host port;
 * `singleton` for chat gateway clients; `rolling` where `deploy` asks for several copies and an order; else `blue-green`.
 */
export function inferStrategy({ facts, kind, ports, replicas }: StrategyInput): StrategyName {
  const { settings, compose } = facts;
  if (settings.strategy !== undefined) return settings.strategy;
  if (settings.canary !== undefined) return "canary";
  if (kind === "job" || kind === "database") return "recreate";
  if (Object.keys(compose.environment ?? {}).some((name) => gatewayToken.test(name)) && replicas <= 1) {
    return "singleton";
  }
  if (writableVolumes(compose).length > 0 || ports.some((port) => port.published?.by === "runtime")) {
    return "recreate";
  }
  if (compose.network_mode === "host") return "recreate";
  const order = compose.deploy?.update_config?.order;
  if (order !== undefined && replicas > 1) return "rolling";
  return order === "stop-first" ? "recreate" : "blue-green";
}

/** Reports settings that this strategy cannot keep. */
export function checkStrategy(input: StrategyInput, strategy: StrategyName, tell: Tell): void {
  const { facts, kind, ports, replicas } = input;
  const path = `services.${facts.name}`;
  const asked = facts.settings.strategy === undefined ? path : `${path}.x-roadstead.strategy`;
  const bound = ports.find((port) => port.published?.by === "runtime")?.published;
  const startsBeside = strategy === "blue-green" || strategy === "canary" || strategy === "rolling";
  if (startsBeside && bound) {
    tell("error", "STRATEGY_NEEDS_PORT_TWICE", {
      path: asked,
      message: `${strategy} runs old and new side by side, but both would bind ${bound.hostIp}:${bound.port}`,
      fix: "use strategy recreate, or do not publish the port",
    });
  }
  if (startsBeside && kind === "database" && writableVolumes(facts.compose).length > 0) {
    tell("error", "STRATEGY_SHARES_DATA", {
      path: asked,
      message: `${strategy} would run two copies of a database on one volume`,
      fix: "use strategy recreate",
    });
  }
  if (strategy === "singleton" && replicas > 1) {
    tell("error", "SINGLETON_REPLICAS", {
      path: asked,
      message: `a singleton never runs twice, but ${replicas} replicas are asked for`,
      fix: "use 1 replica, or another strategy",
    });
  }
  if (replicas > 1 && bound) {
    tell("error", "REPLICAS_SHARE_PORT", {
      path: `${path}.ports`,
      message: `${replicas} replicas cannot all bind ${bound.hostIp}:${bound.port}`,
      fix: "use 1 replica, or reach the service through a route",
    });
  }
  if (strategy === "canary" && (kind === "job" || kind === "static" || ports.length === 0)) {
    tell("error", "CANARY_WITHOUT_TRAFFIC", {
      path: asked,
      message: "a canary is judged on its requests, but the edge sends this service none",
      fix: "use strategy blue-green",
    });
  }
}

/** The canary's limits; the defaults are 10 % for 10 minutes, at most 1 % errors and 1 s at the 95th percentile. */
export function canaryPolicy({ settings }: ServiceFacts): CanaryPolicy {
  const { steps, maxErrorRate, maxP95, minRequests } = settings.canary ?? {};
  return {
    steps: (steps ?? [{ weight: 10, for: 600 }]).map((step) => ({
      weight: step.weight,
      forSeconds: step.for,
    })),
    maxErrorRate: maxErrorRate ?? 0.01,
    maxP95Seconds: maxP95 ?? 1,
    minRequests: minRequests ?? 100,
  };
}
