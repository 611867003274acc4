import type { ComposeModel, ComposeService } from "../compose-model.ts";
import { readVariableFile } from "./environment.ts";
import type { LoadContext, Variables } from "./load-context.ts";
import type { Tell } from "./report.ts";
import { shapeFileObject, shapeModelResource, shapeNetwork, shapeService, shapeVolume } from "./shape.ts";
import type { Form } from "./shape-forms.ts";
import type { Mapping, Path, Value } from "./values.ts";
import { isMapping, newMapping, textOf } from "./values.ts";

/** Brings a normalised model into the printed form; services keep their `env_file` and `label_file` apart, see `fillFromFiles`. */
export function shapeModel(model: Mapping, name: string, tell: Tell): ComposeModel {
  const shaped: Mapping = newMapping();
  shaped["name"] = name;
  const sections: [string, Form][] = [
    ["services", shapeService],
    ["networks", shapeNetwork],
    ["volumes", shapeVolume],
    ["secrets", shapeFileObject],
    ["configs", shapeFileObject],
    ["models", shapeModelResource],
  ];
  for (const [section, form] of sections) {
    const resources = newMapping();
    const source = model[section];
    for (const [key, resource] of isMapping(source) ? Object.entries(source) : []) {
      resources[key] = form(resource, [section, key], tell) ?? newMapping();
    }
    if (section !== "models" || Object.keys(resources).length > 0) shaped[section] = resources;
  }
  for (const key of Object.keys(model)) if (key.startsWith("x-")) shaped[key] = model[key] ?? null;
  // The schema and the forms above have checked exactly this type.
  return shaped as unknown as ComposeModel;
}

/** Moves services that no active profile enables out of the model and returns their names. */
export function dropDisabled(model: ComposeModel, profiles: readonly string[]): Set<string> {
  const disabled = new Set<string>();
  for (const [name, service] of Object.entries(model.services)) {
    const own = service.profiles ?? [];
    if (own.length === 0 || profiles.includes("*") || own.some((profile) => profiles.includes(profile)))
      continue;
    disabled.add(name);
    delete model.services[name];
  }
  return disabled;
}

type Filling = { context: LoadContext; variables: Variables; tell: Tell };

/** Fills `environment` and `labels` of the enabled services from their `env_file` and `label_file`; what is written in place wins. */
export function fillFromFiles(model: ComposeModel, normalised: Mapping, filling: Filling): void {
  const services = normalised["services"];
  for (const [name, service] of Object.entries(model.services)) {
    const raw = isMapping(services) ? services[name] : undefined;
    if (!isMapping(raw)) continue;
    fillEnvironment(service, raw["env_file"], ["services", name, "env_file"], filling);
    fillLabels(service, raw["label_file"], ["services", name, "label_file"], filling);
  }
}

function fillEnvironment(
  service: ComposeService,
  files: Value | undefined,
  at: Path,
  filling: Filling,
): void {
  const found = new Map<string, string>();
  (Array.isArray(files) ? files : []).forEach((file, index) => {
    if (!isMapping(file)) return;
    const path = [...at, index];
    const format = textOf(file["format"]);
    if (format !== "" && format !== "raw")
      filling.tell(
        "INVALID_VALUE",
        `\`${format}\` is not a format; expected raw`,
        [...path, "format"],
        "remove it or write `raw`",
      );
    const lookup = (name: string) => found.get(name) ?? filling.variables.get(name);
    const content = readVariableFile(
      filling.context,
      { path: textOf(file["path"]), raw: format === "raw" },
      lookup,
      path,
    );
    if (content === undefined && file["required"] !== false) {
      filling.tell(
        "FILE_NOT_FOUND",
        `the env file ${textOf(file["path"])} does not exist`,
        path,
        "create it, or write `required: false`",
      );
    }
    for (const [key, value] of content ?? []) found.set(key, value);
  });
  if (found.size > 0)
    service.environment = Object.assign(
      newMapping(),
      Object.fromEntries(found),
      service.environment,
    ) as Record<string, string | null>;
}

function fillLabels(service: ComposeService, files: Value | undefined, at: Path, filling: Filling): void {
  const found = new Map<string, string>();
  (Array.isArray(files) ? files : []).forEach((file, index) => {
    const content = readVariableFile(
      filling.context,
      { path: textOf(file), raw: false },
      (name) => found.get(name),
      [...at, index],
    );
    if (content === undefined)
      filling.tell(
        "FILE_NOT_FOUND",
        `the label file ${textOf(file)} does not exist`,
        [...at, index],
        "create it",
      );
    for (const [key, value] of content ?? []) found.set(key, value);
  });
  if (found.size > 0)
    service.labels = Object.assign(newMapping(), Object.fromEntries(found), service.labels) as Record<
      string,
      string
    >;
}

/** Drops top-level resources that no enabled service uses. */
export function dropUnused(model: ComposeModel): void {
  const used = {
    networks: new Set<string>(),
    volumes: new Set<string>(),
    secrets: new Set<string>(),
    configs: new Set<string>(),
  };
  for (const service of Object.values(model.services)) {
    for (const network of Object.keys(service.networks ?? {})) used.networks.add(network);
    for (const mount of service.volumes ?? [])
      if (mount.type === "volume" && mount.source !== undefined) used.volumes.add(mount.source);
    for (const grant of [...(service.secrets ?? []), ...(service.build?.secrets ?? [])])
      used.secrets.add(grant.source);
    for (const grant of service.configs ?? []) used.configs.add(grant.source);
  }
  for (const section of ["networks", "volumes", "secrets", "configs"] as const) {
    const resources: Record<string, unknown> = model[section];
    for (const key of Object.keys(resources)) if (!used[section].has(key)) delete resources[key];
  }
}
