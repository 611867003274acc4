import { cleanPath } from "../../lib/posix-path.ts";
import { mappingOf } from "./canonical.ts";
import type { Lookup } from "./interpolate.ts";
import type { Mapping, Value } from "./values.ts";
import { isMapping, newMapping, textOf } from "./values.ts";

/** Adds what is implied (default network, dependencies, resource names) to a merged canonical model, in place. */
export function normalise(model: Mapping, projectName: string, lookup: Lookup): void {
  const services = isMapping(model["services"]) ? model["services"] : newMapping();
  let usesDefault = false;
  for (const [name, value] of Object.entries(services)) {
    const service = isMapping(value) ? value : newMapping();
    services[name] = service;
    usesDefault = attachDefaultNetwork(service) || usesDefault;
    normaliseService(service, lookup);
  }
  const networks = isMapping(model["networks"]) ? model["networks"] : newMapping();
  if (usesDefault && networks["default"] === undefined) networks["default"] = null;
  model["networks"] = networks;
  for (const section of ["networks", "volumes", "configs", "secrets"])
    nameResources(model[section], projectName);
}

function attachDefaultNetwork(service: Mapping): boolean {
  if (service["network_mode"] !== undefined || service["provider"] !== undefined) return false;
  const networks = service["networks"];
  if (!isMapping(networks) || Object.keys(networks).length === 0) {
    service["networks"] = mappingOf({ default: null });
    return true;
  }
  return networks["default"] !== undefined;
}

function normaliseService(service: Mapping, lookup: Lookup): void {
  if (service["pull_policy"] === "if_not_present") service["pull_policy"] = "missing";
  const build = service["build"];
  if (isMapping(build)) {
    build["context"] ??= ".";
    if (build["dockerfile"] === undefined && build["dockerfile_inline"] === undefined)
      build["dockerfile"] = "Dockerfile";
    if (build["args"] !== undefined) build["args"] = resolveVariables(build["args"], lookup, false);
  }
  if (service["environment"] !== undefined) {
    service["environment"] = resolveVariables(service["environment"], lookup, true);
  }
  for (const mount of Array.isArray(service["volumes"]) ? service["volumes"] : []) {
    if (isMapping(mount) && typeof mount["target"] === "string") mount["target"] = cleanPath(mount["target"]);
  }
  addImpliedDependencies(service);
}

/** `KEY` without a value is taken from the environment; unknown there it stays as null, or goes when `keep` is off. */
function resolveVariables(value: Value, lookup: Lookup, keep: boolean): Value {
  const resolved = newMapping();
  for (const [key, item] of variablesOf(value)) {
    const found = item === null ? lookup(key) : item;
    if (found !== undefined) resolved[key] = found;
    else if (keep) resolved[key] = null;
  }
  return resolved;
}

function variablesOf(value: Value): [string, Value][] {
  if (isMapping(value)) return Object.entries(value);
  if (!Array.isArray(value)) return [];
  return value.map((entry) => {
    const text = textOf(entry);
    const at = text.indexOf("=");
    return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
  });
}

function addImpliedDependencies(service: Mapping): void {
  const dependsOn = isMapping(service["depends_on"]) ? service["depends_on"] : newMapping();
  const imply = (name: string, restart: boolean) => {
    dependsOn[name] ??= mappingOf({ condition: "service_started", restart, required: true });
  };
  for (const link of Array.isArray(service["links"]) ? service["links"] : [])
    imply(textOf(link).split(":")[0] ?? "", true);
  for (const key of ["network_mode", "ipc", "pid", "uts", "cgroup"]) {
    const mode = textOf(service[key]);
    if (mode.startsWith("service:")) imply(mode.slice("service:".length), true);
  }
  for (const from of Array.isArray(service["volumes_from"]) ? service["volumes_from"] : []) {
    const text = textOf(from);
    if (!text.startsWith("container:")) imply(text.split(":")[0] ?? "", false);
  }
  if (Object.keys(dependsOn).length > 0) service["depends_on"] = dependsOn;
}

function nameResources(section: Value | undefined, projectName: string): void {
  if (!isMapping(section)) return;
  for (const [key, value] of Object.entries(section)) {
    const resource = isMapping(value) ? value : newMapping();
    const external = resource["external"] === true;
    if (resource["name"] === undefined || resource["name"] === null)
      resource["name"] = external ? key : `${projectName}_${key}`;
    section[key] = resource;
  }
}
