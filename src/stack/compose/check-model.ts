import type { ComposeModel, ComposeService } from "../compose-model.ts";
import type { Tell } from "./report.ts";
import { suggest } from "./suggest.ts";
import type { Path } from "./values.ts";

/** Every name that exists, also of services that no active profile enables. */
export type KnownNames = { disabledServices: ReadonlySet<string> };

/** Rules between the parts of a complete model: references, exclusive keys, circles. */
export function checkModel(model: ComposeModel, known: KnownNames, tell: Tell): void {
  for (const [name, service] of Object.entries(model.services)) {
    const path = ["services", name];
    checkImage(service, path, tell);
    checkNetworks(model, service, path, tell);
    checkDependencies(model, known, { name, service, path, tell });
    checkFiles(model, service, path, tell);
    checkLimits(service, path, tell);
    checkScale(service, path, tell);
  }
  checkSecrets(model, tell);
  checkCircles(model, tell);
}

function checkImage(service: ComposeService, path: Path, tell: Tell): void {
  const build = service.build;
  if (build === undefined && service.image === undefined && service.provider === undefined) {
    tell(
      "NO_IMAGE",
      `service \`${String(path[1])}\` has neither \`image\` nor \`build\``,
      path,
      "add `image` or `build`",
    );
  }
  if (build?.dockerfile_inline !== undefined && build.dockerfile !== undefined) {
    tell(
      "EXCLUSIVE_KEYS",
      "only one of `dockerfile` and `dockerfile_inline` can be set",
      [...path, "build", "dockerfile"],
      "remove one of them",
    );
  }
  if (build?.platforms && service.platform !== undefined && !build.platforms.includes(service.platform)) {
    tell(
      "PLATFORM_NOT_BUILT",
      `\`build.platforms\` does not include the service's platform ${service.platform}`,
      [...path, "build", "platforms"],
      `add ${service.platform}`,
    );
  }
  const test = service.healthcheck?.test?.[0];
  if (test !== undefined && !["CMD", "CMD-SHELL", "NONE"].includes(test)) {
    tell(
      "INVALID_HEALTHCHECK",
      `\`healthcheck.test\` starts with \`${test}\`; expected CMD, CMD-SHELL or NONE`,
      [...path, "healthcheck", "test"],
      'write ["CMD", …]',
    );
  }
}

function checkNetworks(model: ComposeModel, service: ComposeService, path: Path, tell: Tell): void {
  const networks = Object.keys(service.networks ?? {});
  if (service.network_mode !== undefined && networks.length > 0) {
    tell(
      "EXCLUSIVE_KEYS",
      "only one of `network_mode` and `networks` can be set",
      [...path, "network_mode"],
      "remove one of them",
    );
  }
  for (const network of networks) {
    if (!(network in model.networks))
      tellUndefined("network", network, {
        known: Object.keys(model.networks),
        path: [...path, "networks", network],
        tell,
      });
  }
}

function tellUndefined(
  what: string,
  name: string,
  options: { known: readonly string[]; path: Path; tell: Tell },
): void {
  const near = suggest(name, options.known);
  const fix = near ? `did you mean \`${near}\`?` : `define it under \`${what}s:\``;
  options.tell(
    `UNDEFINED_${what.toUpperCase()}`,
    `the ${what} \`${name}\` is not defined`,
    options.path,
    fix,
  );
}

type ServiceAt = { name: string; service: ComposeService; path: Path; tell: Tell };

function checkDependencies(model: ComposeModel, known: KnownNames, at: ServiceAt): void {
  const { service, path, tell } = at;
  for (const [dependency, rule] of Object.entries(service.depends_on ?? {})) {
    if (dependency in model.services) continue;
    const disabled = known.disabledServices.has(dependency);
    if (disabled && rule.required === false) continue;
    if (disabled) {
      tell(
        "UNDEFINED_SERVICE",
        `it depends on \`${dependency}\`, which no active profile enables`,
        [...path, "depends_on", dependency],
        "activate its profile, or write `required: false`",
      );
    } else {
      tellUndefined("service", dependency, {
        known: Object.keys(model.services),
        path: [...path, "depends_on", dependency],
        tell,
      });
    }
  }
  for (const [name, context] of Object.entries(service.build?.additional_contexts ?? {})) {
    if (!context.startsWith("service:")) continue;
    const target = context.slice("service:".length);
    const place = [...path, "build", "additional_contexts", name];
    if (!(target in model.services))
      tellUndefined("service", target, { known: Object.keys(model.services), path: place, tell });
    else if (model.services[target]?.build === undefined)
      tell("NOT_BUILDABLE", `service \`${target}\` has no \`build\``, place, `add \`build\` to ${target}`);
  }
}

function checkFiles(model: ComposeModel, service: ComposeService, path: Path, tell: Tell): void {
  (service.volumes ?? []).forEach((mount, index) => {
    if (mount.type !== "volume" || mount.source === undefined || mount.source in model.volumes) return;
    tellUndefined("volume", mount.source, {
      known: Object.keys(model.volumes),
      path: [...path, "volumes", index],
      tell,
    });
  });
  const grants = [
    { what: "secret", key: ["secrets"], list: service.secrets, known: model.secrets },
    { what: "config", key: ["configs"], list: service.configs, known: model.configs },
    { what: "secret", key: ["build", "secrets"], list: service.build?.secrets, known: model.secrets },
  ];
  for (const { what, key, list, known } of grants) {
    (list ?? []).forEach((grant, index) => {
      if (grant.source in known) return;
      tellUndefined(what, grant.source, { known: Object.keys(known), path: [...path, ...key, index], tell });
    });
  }
}

function checkLimits(service: ComposeService, path: Path, tell: Tell): void {
  const limits = service.deploy?.resources?.limits;
  const reservations = service.deploy?.resources?.reservations;
  const pairs = [
    ["cpus", service.cpus, "deploy.resources.limits.cpus", limits && (limits.cpus ?? 0)],
    ["mem_limit", service.mem_limit, "deploy.resources.limits.memory", limits && (limits.memory ?? "0")],
    ["pids_limit", service.pids_limit, "deploy.resources.limits.pids", limits && (limits.pids ?? 0)],
    [
      "mem_reservation",
      service.mem_reservation,
      "deploy.resources.reservations.memory",
      reservations && (reservations.memory ?? "0"),
    ],
  ] as const;
  for (const [key, value, other, otherValue] of pairs) {
    if (value === undefined || otherValue === undefined || value === otherValue) continue;
    tell(
      "LIMITS_DIFFER",
      `\`${key}\` and \`${other}\` are both set and differ`,
      [...path, key],
      "keep one of them",
    );
  }
}

function checkScale(service: ComposeService, path: Path, tell: Tell): void {
  const replicas = service.deploy?.replicas;
  if (service.scale !== undefined && replicas !== undefined && service.scale !== replicas) {
    tell(
      "LIMITS_DIFFER",
      "`scale` and `deploy.replicas` are both set and differ",
      [...path, "scale"],
      "keep one of them",
    );
  }
  if (service.container_name !== undefined && (service.scale ?? replicas ?? 1) > 1) {
    tell(
      "CONTAINER_NAME_TAKEN",
      "`container_name` must be unique, so this service cannot have several replicas",
      [...path, "container_name"],
      "remove `container_name`",
    );
  }
  const develop = service.develop as { watch?: { target?: string; action?: string }[] } | undefined;
  (develop?.watch ?? []).forEach((watch, index) => {
    if (watch.target !== undefined || watch.action === "rebuild" || watch.action === "restart") return;
    tell(
      "MISSING_KEY",
      "`target` is required for this action",
      [...path, "develop", "watch", index],
      "add `target`",
    );
  });
}

function checkSecrets(model: ComposeModel, tell: Tell): void {
  for (const [name, secret] of Object.entries(model.secrets)) {
    if (secret.external || secret.file !== undefined || secret.environment !== undefined) continue;
    tell(
      "MISSING_KEY",
      `secret \`${name}\` needs \`file\` or \`environment\``,
      ["secrets", name],
      "add `file` or `environment`",
    );
  }
}

/** Each circle of `depends_on` is told once, at its first service. */
function checkCircles(model: ComposeModel, tell: Tell): void {
  const state = new Map<string, "open" | "done">();
  const visit = (name: string, trail: readonly string[]): void => {
    if (state.get(name) === "done") return;
    if (state.get(name) === "open") {
      const circle = [...trail.slice(trail.indexOf(name)), name];
      tell(
        "DEPENDENCY_CYCLE",
        `\`depends_on\` goes in a circle: ${circle.join(" -> ")}`,
        ["services", name, "depends_on", circle[1] ?? name],
        "remove one of these dependencies",
      );
      return;
    }
    state.set(name, "open");
    for (const next of Object.keys(model.services[name]?.depends_on ?? {})) {
      if (next in model.services) visit(next, [...trail, name]);
    }
    state.set(name, "done");
  };
  for (const name of Object.keys(model.services)) visit(name, []);
}
