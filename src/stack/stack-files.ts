import type { ComposeFileObject, ComposeModel } from "./compose-model.ts";
import type { StackFile } from "./stack.ts";

/** The secrets and configs that at least one service is granted; the others are nobody's need. */
export function stackFiles(model: ComposeModel): StackFile[] {
  const services = Object.values(model.services);
  const granted = {
    secret: new Set(services.flatMap((service) => (service.secrets ?? []).map((grant) => grant.source))),
    config: new Set(services.flatMap((service) => (service.configs ?? []).map((grant) => grant.source))),
  };
  return [
    ...filesOf("secret", model.secrets, granted.secret),
    ...filesOf("config", model.configs, granted.config),
  ];
}

function filesOf(
  kind: StackFile["kind"],
  objects: Readonly<Record<string, ComposeFileObject>>,
  granted: ReadonlySet<string>,
): StackFile[] {
  return Object.entries(objects)
    .filter(([name]) => granted.has(name))
    .map(([name, object]) => ({ kind, name, source: sourceOf(object) }));
}

function sourceOf(object: ComposeFileObject): StackFile["source"] {
  if (object.file !== undefined) return { from: "file", path: object.file };
  if (object.environment !== undefined) return { from: "environment", variable: object.environment };
  return { from: object.content === undefined ? "external" : "inline" };
}
