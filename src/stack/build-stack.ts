import { parseDuration } from "../lib/duration.ts";
import { resolvePath } from "../lib/posix-path.ts";
import type { ComposeModel, ComposeService } from "./compose-model.ts";
import { gatherFacts, type ServiceFacts, type Tell, tellInto } from "./facts.ts";
import { inferKind } from "./infer-kind.ts";
import { inferPorts, publishedPort } from "./infer-ports.ts";
import { inferProbe } from "./infer-probe.ts";
import { canaryPolicy, checkStrategy, inferStrategy, writableVolumes } from "./infer-strategy.ts";
import { inferUpdate } from "./infer-update.ts";
import { isPreviewEnvironment } from "./preview-environment.ts";
import { asPreview, checkPreview, type PreviewOf } from "./preview-stack.ts";
import { hasErrors, type Problem } from "./problem.ts";
import type { Locate } from "./problem-at.ts";
import { checkCycles, dependenciesOf } from "./resolve-dependencies.ts";
import { checkCollisions, resolveRoutes } from "./resolve-routes.ts";
import type { Service, ServiceKind, ServicePort, SmokeCheck, Stack } from "./stack.ts";
import { stackFiles } from "./stack-files.ts";
import { readSettings, type Settings } from "./x-roadstead.ts";
import {
  type DependencyProbe,
  type DependencySettings,
  dependencyProbe,
} from "./x-roadstead-dependencies.ts";
import type { ServiceSettings } from "./x-roadstead-schema.ts";

export type BuildOptions = {
  /** `production` or any other name; chooses `x-roadstead.environments`. */
  environment: string;
  locate: Locate;
  /** Absolute; `site.root` is relative to it. */
  projectDirectory: string;
  /** Domain of the installation, used where the file names none. */
  domain?: string;
  /** TCP ports that the service's Dockerfile EXPOSEs, for services that name none themselves. */
  exposedByImage?: (name: string, service: ComposeService) => readonly number[];
};

export type BuiltStack = {
  /** Absent when one of the problems is an error. */
  stack?: Stack;
  /** As far as it could be understood: for further checks only, never to be run. */
  draft: Stack;
  problems: Problem[];
};

/**
 * Compose model -> Stack: every default and inference of docs/x-roadstead.md. Never throws; all problems at once;
 * no stack when one of them is an error.
 */
export function buildStack(model: ComposeModel, options: BuildOptions): BuiltStack {
  const settings = readSettings(model, options.environment, options.locate);
  const problems: Problem[] = [...settings.problems];
  const tell = tellInto(problems, options.locate);
  const facts = gatherFacts(model, settings, options.exposedByImage ?? (() => []));
  const written = facts.map((one) => buildService(one, { model, settings, options, tell }));
  const services = isPreviewEnvironment(options.environment)
    ? asPreview(written, previewOf(model, settings, options))
    : written;
  if (services !== written) checkPreview(model, tell);
  checkCollisions(services, tell);
  checkCycles(new Map(services.map((service) => [service.name, service.dependsOn])), tell);
  const draft: Stack = {
    name: model.name,
    environment: options.environment,
    services,
    networks: model.networks,
    volumes: model.volumes,
    files: stackFiles(model),
    ...(settings.stack.backups === undefined ? {} : { backups: settings.stack.backups }),
    ...(settings.stack.dependencies === undefined ? {} : { outside: outsideOf(settings.stack.dependencies) }),
  };
  return { ...(hasErrors(problems) ? {} : { stack: draft }), draft, problems };
}

function outsideOf(written: readonly DependencySettings[]): DependencyProbe[] {
  return written.flatMap((one) => dependencyProbe(one) ?? []);
}

function previewOf({ name }: ComposeModel, settings: Settings, options: BuildOptions): PreviewOf {
  const domain = settings.environment.domain ?? settings.stack.domain ?? options.domain;
  return { stack: name, environment: options.environment, ...(domain === undefined ? {} : { domain }) };
}

type Context = { model: ComposeModel; settings: Settings; options: BuildOptions; tell: Tell };

function buildService(facts: ServiceFacts, { model, settings, options, tell }: Context): Service {
  const kind = inferKind(facts);
  const own = facts.settings;
  const ports = withPublished(facts, inferPorts(facts, kind === "web"), kind);
  const replicas = replicasOf(facts, kind, settings.environment.replicas);
  const shape = { facts, kind, ports, replicas };
  const strategy = inferStrategy(shape);
  checkStrategy(shape, strategy, tell);
  const domain = settings.stack.domain ?? options.domain;
  const routes = resolveRoutes(
    {
      facts,
      kind,
      ports,
      stack: model.name,
      environment: options.environment,
      ...(settings.environment.domain === undefined
        ? {}
        : { environmentDomain: settings.environment.domain }),
      ...(domain === undefined ? {} : { domain }),
    },
    tell,
  );
  const probe = inferProbe({ facts, kind, ports }, tell);
  const update = inferUpdate(facts, { kind, environment: options.environment }, tell);
  const site = siteOf(facts, kind, options.projectDirectory, tell);
  return {
    name: facts.name,
    kind,
    replicas,
    strategy,
    ...(strategy === "canary" ? { canary: canaryPolicy(facts) } : {}),
    keepWarmSeconds: own.keepWarm ?? (strategy === "blue-green" || strategy === "canary" ? 3600 : 0),
    drainSeconds: own.drain ?? 30,
    readyTimeoutSeconds: own.readyTimeout ?? 120 + probe.startPeriodSeconds,
    stopGraceSeconds: parseDuration(facts.compose.stop_grace_period ?? "") ?? 10,
    holdSeconds: own.hold ?? 30,
    dependsOn: dependenciesOf(facts.compose, model),
    routes,
    ports,
    addressing: addressingOf(facts, kind, ports),
    probe,
    ...requestSettings(own),
    ...(site === undefined ? {} : { site }),
    ...(update === undefined ? {} : { update }),
    compose: facts.compose,
  };
}

/** What is taken from `x-roadstead` as it is, in the units of a Stack. */
function requestSettings(
  own: ServiceSettings,
): Pick<
  Service,
  "releaseJob" | "smoke" | "sticky" | "bodyLimitBytes" | "rateLimit" | "connections" | "slowQuerySeconds"
> {
  const { release, rateLimit, connections, slowQuery } = own;
  return {
    ...(connections === undefined ? {} : { connections }),
    ...(slowQuery === undefined ? {} : { slowQuerySeconds: slowQuery }),
    ...(release === undefined
      ? {}
      : {
          releaseJob: {
            argv: release.command,
            timeoutSeconds: release.timeout ?? 300,
            snapshot: release.snapshot ?? false,
          },
        }),
    smoke: (own.smoke ?? []).map(smokeCheck),
    sticky: own.sticky === "cookie" || own.sticky === true,
    ...(own.bodyLimit === undefined ? {} : { bodyLimitBytes: own.bodyLimit }),
    ...(rateLimit === undefined
      ? {}
      : { rateLimit: { requestsPerSecond: rateLimit.rate, burst: rateLimit.burst ?? rateLimit.rate } }),
  };
}

/** The environment's number is for services that can run several times; a service's own override beats it. */
function replicasOf(facts: ServiceFacts, kind: ServiceKind, environmentReplicas: number | undefined): number {
  const { settings, compose } = facts;
  const stateless =
    (kind === "web" || kind === "worker") &&
    settings.strategy !== "singleton" &&
    writableVolumes(compose).length === 0;
  return (
    settings.replicas ??
    (stateless ? environmentReplicas : undefined) ??
    compose.deploy?.replicas ??
    compose.scale ??
    1
  );
}

/**
 * Published TCP ports of stateless services, and HTTP ports of every web service, are served by the edge, so they
 * survive a redeploy; databases, datagrams and raw TCP of stateful services are bound by the runtime.
 */
function withPublished(facts: ServiceFacts, ports: readonly ServicePort[], kind: ServiceKind): ServicePort[] {
  if (facts.compose.network_mode === "host") return [...ports];
  const stateless = writableVolumes(facts.compose).length === 0;
  return ports.flatMap((port) => {
    const transport = port.protocol === "udp" ? "udp" : "tcp";
    const published = (facts.compose.ports ?? [])
      .filter(
        (entry) => entry.target === port.port && (entry.protocol === "udp" ? "udp" : "tcp") === transport,
      )
      .flatMap((entry) => publishedPort(entry) ?? []);
    const service = kind === "web" || kind === "worker";
    const by = service && transport === "tcp" && (stateless || port.protocol === "http") ? "edge" : "runtime";
    return published.length === 0
      ? [port]
      : published.map((bound) => ({ ...port, published: { ...bound, by } as const }));
  });
}

/** Through the edge only where it can serve every known port; else peers would lose some of them. */
function addressingOf(
  facts: ServiceFacts,
  kind: ServiceKind,
  ports: readonly ServicePort[],
): Service["addressing"] {
  const ownNetwork = /^(host|none|service:|container:)/.test(facts.compose.network_mode ?? "");
  const canProxy = (kind === "web" || kind === "worker") && !ownNetwork && ports.length > 0;
  return canProxy && ports.every(({ protocol }) => protocol !== "udp") ? "proxied" : "direct";
}

function siteOf(
  facts: ServiceFacts,
  kind: ServiceKind,
  projectDirectory: string,
  tell: Tell,
): Service["site"] | undefined {
  const { site } = facts.settings;
  const path = `services.${facts.name}.x-roadstead`;
  if (kind === "static" && !site) {
    tell("error", "SITE_MISSING", {
      path: `${path}.kind`,
      message: "a static service needs the folder that the edge serves",
      fix: "add `site: {root: ./dist}`, or use kind web if the image serves its files itself",
    });
  }
  if (site && kind !== "static") {
    tell("error", "SITE_MISSING", {
      path: `${path}.site`,
      message: `only a static service has a site, but the kind is ${kind}`,
      fix: "remove `kind` or `site`",
    });
  }
  if (!site || kind !== "static") return undefined;
  const root = resolvePath(projectDirectory, site.root);
  return { root, spa: site.spa ?? false, ...(site.config === undefined ? {} : { config: site.config }) };
}

function smokeCheck(check: {
  request: string;
  status?: number | undefined;
  contains?: string | undefined;
}): SmokeCheck {
  const [method = "GET", path = "/"] = check.request.split(" ");
  return {
    method,
    path,
    status: check.status ?? 200,
    ...(check.contains === undefined ? {} : { contains: check.contains }),
  };
}
