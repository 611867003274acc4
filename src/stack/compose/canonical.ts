import type { Tell } from "./report.ts";
import { parseShortMount } from "./short-mount.ts";
import { parseShortPort } from "./short-port.ts";
import type { Mapping, Path, Value } from "./values.ts";
import { isMapping, newMapping, textOf } from "./values.ts";

/** Turns every short form of a merged model into its long form, in place. */
export function canonicalise(model: Mapping, tell: Tell): void {
  for (const name of keysOf(model["services"])) {
    const service = childOf(model["services"], name);
    if (isMapping(service)) canonicaliseService(service, ["services", name], tell);
  }
  for (const section of ["volumes", "networks", "secrets", "configs"]) {
    for (const name of keysOf(model[section])) {
      const resource = childOf(model[section], name);
      if (isMapping(resource)) canonicaliseExternal(resource, [section, name], tell);
    }
  }
}

function keysOf(value: Value | undefined): string[] {
  return isMapping(value) ? Object.keys(value) : [];
}

function childOf(value: Value | undefined, key: string): Value | undefined {
  return isMapping(value) ? value[key] : undefined;
}

export function mappingOf(entries: Record<string, Value | undefined>): Mapping {
  const mapping = newMapping();
  for (const [key, value] of Object.entries(entries)) if (value !== undefined) mapping[key] = value;
  return mapping;
}

type Form = (value: Value, path: Path, tell: Tell) => Value;

const serviceForms: Record<string, Form> = {
  build: canonicalBuild,
  depends_on: dependencies,
  env_file: (value) =>
    list(value).map((entry) =>
      isMapping(entry) ? withDefault(entry, "required", true) : mappingOf({ path: entry, required: true }),
    ),
  label_file: (value) => list(value),
  dns: (value) => list(value).filter((entry) => entry !== null && entry !== ""),
  extends: (value) => (typeof value === "string" ? mappingOf({ service: value }) : value),
  gpus: (value) => (typeof value === "string" ? [mappingOf({ count: "all" })] : value),
  networks: (value) => listAsMapping(value),
  models: (value) => listAsMapping(value),
  volumes: (value, path, tell) => list(value).map((entry, index) => longMount(entry, [...path, index], tell)),
  devices: (value, path, tell) =>
    list(value).map((entry, index) => longDevice(entry, [...path, index], tell)),
  secrets: grants,
  configs: grants,
  ports: longPorts,
};

function canonicaliseService(service: Mapping, path: Path, tell: Tell): void {
  for (const key of Object.keys(service)) {
    const form = Object.hasOwn(serviceForms, key) ? serviceForms[key] : undefined;
    const value = service[key];
    if (form !== undefined && value !== undefined && value !== null)
      service[key] = form(value, [...path, key], tell);
  }
}

function list(value: Value): Value[] {
  if (Array.isArray(value)) return value;
  return value === null ? [] : [value];
}

function withDefault(mapping: Mapping, key: string, value: Value): Mapping {
  if (mapping[key] === undefined) mapping[key] = value;
  return mapping;
}

function listAsMapping(value: Value): Value {
  if (!Array.isArray(value)) return value;
  const mapping = newMapping();
  for (const entry of value) mapping[textOf(entry)] = null;
  return mapping;
}

function dependencies(value: Value): Value {
  if (Array.isArray(value)) {
    const mapping = newMapping();
    for (const entry of value)
      mapping[textOf(entry)] = mappingOf({ condition: "service_started", required: true });
    return mapping;
  }
  for (const dependency of isMapping(value) ? Object.values(value) : []) {
    if (isMapping(dependency))
      withDefault(withDefault(dependency, "condition", "service_started"), "required", true);
  }
  return value;
}

function grants(value: Value): Value {
  return list(value).map((entry) => (isMapping(entry) ? entry : mappingOf({ source: entry })));
}

function canonicalBuild(value: Value, path: Path, tell: Tell): Value {
  if (!isMapping(value)) return mappingOf({ context: value });
  if (value["secrets"]) value["secrets"] = grants(value["secrets"]);
  for (const key of ["additional_contexts", "ssh"] as const) {
    const entries = value[key];
    if (!Array.isArray(entries)) continue;
    const mapping = newMapping();
    for (const entry of entries) {
      const text = textOf(entry);
      const at = text.indexOf("=");
      if (at < 0 && (key === "additional_contexts" || text !== "default")) {
        tell("INVALID_VALUE", `\`${text}\` is not NAME=VALUE`, [...path, key], "write it as NAME=VALUE");
      } else {
        mapping[at < 0 ? text : text.slice(0, at)] = at < 0 ? null : text.slice(at + 1);
      }
    }
    value[key] = mapping;
  }
  return value;
}

function longMount(entry: Value, path: Path, tell: Tell): Value {
  if (isMapping(entry)) return entry;
  const mount = parseShortMount(textOf(entry));
  if ("problem" in mount) {
    tell("INVALID_VOLUME", mount.problem, path, "write it as SOURCE:TARGET[:ro]");
    return mappingOf({ type: "volume", target: textOf(entry) });
  }
  const bind = mappingOf({
    propagation: mount.propagation,
    selinux: mount.selinux,
    create_host_path: mount.type === "bind" ? true : undefined,
  });
  const volume = mappingOf({ nocopy: mount.noCopy ? true : undefined });
  const tiny = textOf(entry).length <= 2;
  return mappingOf({
    type: mount.type,
    source: mount.source,
    target: mount.target,
    read_only: mount.readOnly ? true : undefined,
    bind: Object.keys(bind).length > 0 ? bind : undefined,
    volume: (mount.type === "volume" && !tiny) || mount.noCopy ? volume : undefined,
  });
}

function longDevice(entry: Value, path: Path, tell: Tell): Value {
  if (isMapping(entry)) return entry;
  const parts = textOf(entry).split(":");
  if (parts.length > 3) {
    tell(
      "INVALID_DEVICE",
      `\`${textOf(entry)}\` has too many colons`,
      path,
      "write it as SOURCE:TARGET:PERMISSIONS, or use the long form",
    );
  }
  const [source = "", target = "", permissions = "rwm"] = parts;
  return mappingOf({ source, target: target === "" ? source : target, permissions });
}

function longPorts(value: Value, path: Path, tell: Tell): Value {
  const ports: Value[] = [];
  list(value).forEach((entry, index) => {
    if (isMapping(entry)) {
      ports.push(entry);
      return;
    }
    const parsed = parseShortPort(textOf(entry));
    if ("problem" in parsed) {
      tell(
        "INVALID_PORT",
        parsed.problem,
        [...path, index],
        'write it as "[HOST_IP:]HOST:CONTAINER[/udp]", quoted',
      );
      return;
    }
    for (const port of parsed) ports.push(mappingOf({ ...port, mode: "ingress" }));
  });
  return ports;
}

function canonicaliseExternal(resource: Mapping, path: Path, tell: Tell): void {
  const external = resource["external"];
  if (!isMapping(external)) return;
  resource["external"] = true;
  const name = external["name"];
  if (name === undefined) return;
  if (resource["name"] !== undefined && resource["name"] !== name) {
    tell(
      "NAME_CONFLICT",
      "`name` and `external.name` differ",
      path,
      "keep `name` and write `external: true`",
    );
  }
  resource["name"] = resource["name"] ?? name;
}

/** What the specification assumes where a file is silent; after all files are merged. */
export function setDefaults(model: Mapping): void {
  for (const name of keysOf(model["services"])) {
    const service = childOf(model["services"], name);
    if (!isMapping(service)) continue;
    if (isMapping(service["build"])) withDefault(service["build"], "context", ".");
    for (const secret of list(service["secrets"] ?? null)) {
      if (isMapping(secret)) withDefault(secret, "target", `/run/secrets/${textOf(secret["source"])}`);
    }
    for (const port of list(service["ports"] ?? null)) {
      if (isMapping(port)) withDefault(withDefault(port, "protocol", "tcp"), "mode", "ingress");
    }
    const reservations = childOf(childOf(childOf(service["deploy"], "resources"), "reservations"), "devices");
    for (const device of [...list(service["gpus"] ?? null), ...list(reservations ?? null)]) {
      if (isMapping(device) && device["device_ids"] === undefined) withDefault(device, "count", "all");
    }
  }
}
