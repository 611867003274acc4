import { parseDuration } from "../lib/duration.ts";
import type { ServiceFacts, Tell } from "./facts.ts";
import type { Probe, ProbeTiming, ServiceKind, ServicePort } from "./stack.ts";

type ProbeInput = { facts: ServiceFacts; kind: ServiceKind; ports: readonly ServicePort[] };

/**
 * How readiness is decided: `x-roadstead.health`, else the Compose healthcheck, else a TCP connection to the main
 * port, else staying alive for two seconds.
 */
export function inferProbe(input: ProbeInput, tell: Tell): Probe {
  const { facts, ports } = input;
  const timing = timingOf(facts);
  const asked = settingsProbe(input, timing, tell);
  if (asked) return asked;
  const command = facts.healthCommand;
  if (command !== undefined && command.kind !== "disabled") {
    switch (command.kind) {
      case "http":
        return { kind: "http", path: command.path, port: command.port, expect: command.expect, ...timing };
      case "tcp":
        return { kind: "tcp", port: command.port, ...timing };
      case "exec":
        return { kind: "exec", argv: command.argv, shell: command.shell, ...timing };
    }
  }
  const port = ports.find(({ protocol }) => protocol !== "udp")?.port;
  if (input.kind === "static" || input.kind === "job" || port === undefined) {
    return { kind: "alive", stableSeconds: 1, ...timing };
  }
  if (command === undefined) warnNoCheck(input, port, tell);
  return { kind: "tcp", port, ...timing };
}

function warnNoCheck({ facts, kind }: ProbeInput, port: number, tell: Tell): void {
  tell("warning", "NO_HEALTH_CHECK", {
    path: `services.${facts.name}`,
    message: `there is no health check, so an open port ${port} counts as ready`,
    fix:
      kind === "web"
        ? "add `x-roadstead: {health: {http: /healthz}}` with a path that answers 200 once the service can work"
        : "add a `healthcheck`",
  });
}

function settingsProbe({ facts, ports }: ProbeInput, timing: ProbeTiming, tell: Tell): Probe | undefined {
  const health = facts.settings.health;
  if (!health) return undefined;
  const path = `services.${facts.name}.x-roadstead.health`;
  const tcp = health.tcp === false ? undefined : health.tcp;
  const named = [health.http, tcp, health.exec].filter((value) => value !== undefined);
  if (named.length > 1) {
    tell("error", "HEALTH_AMBIGUOUS", {
      path,
      message: "more than one of http, tcp and exec is given",
      fix: "keep the one that shows best that the service can work",
    });
  }
  if (health.exec) return { kind: "exec", argv: health.exec, shell: false, ...timing };
  if (named.length === 0) return undefined;
  const port =
    (typeof tcp === "number" ? tcp : undefined) ??
    health.port ??
    ports.find(({ protocol }) => protocol === "http")?.port ??
    ports.find(({ protocol }) => protocol === "tcp")?.port;
  if (port === undefined) {
    tell("error", "PORT_UNKNOWN", { path, message: "no port is known to probe", fix: "add `port` here" });
    return undefined;
  }
  return health.http === undefined
    ? { kind: "tcp", port, ...timing }
    : { kind: "http", path: health.http, port, expect: [], ...timing };
}

/** From the settings, else the healthcheck with the defaults of the Compose Specification, else our own. */
function timingOf({ settings, compose, healthCommand }: ServiceFacts): ProbeTiming {
  const check = healthCommand?.kind === "disabled" ? undefined : compose.healthcheck;
  const health = settings.health ?? {};
  const written = check?.test !== undefined;
  return {
    intervalSeconds: health.interval ?? seconds(check?.interval) ?? (written ? 30 : 5),
    timeoutSeconds: health.timeout ?? seconds(check?.timeout) ?? (written ? 30 : 5),
    retries: health.retries ?? check?.retries ?? 3,
    startPeriodSeconds: health.startPeriod ?? seconds(check?.start_period) ?? 0,
  };
}

function seconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}
