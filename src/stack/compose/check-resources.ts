import type { Tell } from "./report.ts";
import type { Mapping, Path, Value } from "./values.ts";
import { isMapping } from "./values.ts";

/** Rules between keys of one volume, secret, config or device, which the schema cannot say. */
export function checkResources(model: Mapping, tell: Tell): void {
  eachResource(model["volumes"], ["volumes"], (volume, path) => {
    if (volume["external"] !== true) return;
    for (const key of Object.keys(volume)) {
      if (key === "name" || key === "external" || key.startsWith("x-")) continue;
      tell(
        "EXTERNAL_CONFLICT",
        `an external volume cannot have \`${key}\``,
        [...path, key],
        `remove \`${key}\` or \`external\``,
      );
    }
  });
  eachResource(model["configs"], ["configs"], (config, path) =>
    checkContent(config, ["file", "environment", "content"], path, tell),
  );
  eachResource(model["secrets"], ["secrets"], (secret, path) =>
    checkContent(secret, ["file", "environment"], path, tell),
  );
  eachResource(model["services"], ["services"], (service, path) => checkService(service, path, tell));
}

function eachResource(
  section: Value | undefined,
  path: Path,
  check: (resource: Mapping, path: Path) => void,
): void {
  if (!isMapping(section)) return;
  for (const [name, resource] of Object.entries(section))
    if (isMapping(resource)) check(resource, [...path, name]);
}

function checkContent(resource: Mapping, sources: readonly string[], path: Path, tell: Tell): void {
  const present = sources.filter((source) => resource[source] !== undefined);
  const named = sources.map((source) => `\`${source}\``).join(", ");
  if (present.length > 1)
    tell("EXCLUSIVE_KEYS", `only one of ${named} can be set`, path, `keep one of ${present.join(", ")}`);
  if (present.length === 0 && resource["driver"] === undefined && resource["external"] === undefined) {
    tell(
      "MISSING_KEY",
      `one of ${named} is required here, or \`external: true\``,
      path,
      `add \`${sources[0]}\``,
    );
  }
}

function checkService(service: Mapping, path: Path, tell: Tell): void {
  const develop = service["develop"];
  const watches = isMapping(develop) ? develop["watch"] : undefined;
  (Array.isArray(watches) ? watches : []).forEach((watch, index) => {
    if (isMapping(watch) && watch["path"] === "")
      tell("INVALID_VALUE", "`path` cannot be blank", [...path, "develop", "watch", index, "path"]);
  });
  let deploy: Value | undefined = service["deploy"];
  for (const key of ["resources", "reservations", "devices"])
    deploy = isMapping(deploy) ? deploy[key] : undefined;
  checkDevices(deploy, [...path, "deploy", "resources", "reservations", "devices"], tell);
  checkDevices(service["gpus"], [...path, "gpus"], tell);
}

function checkDevices(devices: Value | undefined, path: Path, tell: Tell): void {
  (Array.isArray(devices) ? devices : []).forEach((device, index) => {
    if (isMapping(device) && device["count"] !== undefined && device["device_ids"] !== undefined) {
      tell(
        "EXCLUSIVE_KEYS",
        "only one of `count` and `device_ids` can be set",
        [...path, index],
        "remove one of them",
      );
    }
  });
}
