import { z } from "zod";
import { checkPipeline } from "./check-pipeline.ts";
import type { ComposeModel } from "./compose-model.ts";
import { isPreviewEnvironment, previewTemplate } from "./preview-environment.ts";
import type { Problem } from "./problem.ts";
import { composePath, type Locate, problemAt } from "./problem-at.ts";
import { suggest } from "./suggest.ts";
import { type PipelineSettings, pipelineSchema } from "./x-roadstead-pipeline.ts";
import {
  type EnvironmentSettings,
  type ServiceSettings,
  type StackSettings,
  serviceSchema,
  stackSchema,
} from "./x-roadstead-schema.ts";

export type Settings = {
  stack: StackSettings;
  /** Settings of the chosen environment; empty when the file has none. */
  environment: EnvironmentSettings;
  /** Per service, the chosen environment's settings on top. */
  services: Readonly<Record<string, ServiceSettings>>;
  problems: readonly Problem[];
};

/**
 * Reads every `x-roadstead` of a model and lays the chosen environment's over the services'. A setting that is wrong
 * is reported and left out, so that everything else can still be checked.
 */
export function readSettings(model: ComposeModel, environment: string, locate: Locate): Settings {
  const problems: Problem[] = [];
  const read = <S extends z.ZodType>(schema: S, value: unknown, path: string): z.output<S> | undefined => {
    const result = readOne(schema, value, path, locate);
    problems.push(...result.problems);
    return result.value;
  };
  const stack = read(stackSchema, model["x-roadstead"], "x-roadstead") ?? {};
  problems.push(...checkPipeline(writtenPipeline(model), pipelinePath, locate));
  const template = isPreviewEnvironment(environment) ? stack.environments?.[previewTemplate] : undefined;
  const chosen = stack.environments?.[environment] ?? template ?? {};
  const services: Record<string, ServiceSettings> = {};
  for (const [name, service] of Object.entries(model.services)) {
    const path = `services.${name}.x-roadstead`;
    services[name] = {
      ...read(serviceSchema, service["x-roadstead"], path),
      ...chosen.services?.[name],
    };
  }
  for (const [key, { services: overrides = {} }] of Object.entries(stack.environments ?? {})) {
    for (const name of Object.keys(overrides)) {
      if (Object.hasOwn(model.services, name)) continue;
      problems.push(unknownService(name, `x-roadstead.environments.${key}.services`, model, locate));
    }
  }
  problems.push(...unknownSources(stack, model, locate));
  return { stack, environment: chosen, services, problems };
}

/** Sources of backups that are no service, volume, or folder of a service. */
function unknownSources({ backups }: StackSettings, model: ComposeModel, locate: Locate): Problem[] {
  const known = [...Object.keys(model.services), ...Object.keys(model.volumes)];
  const names = Object.keys(backups?.sources ?? {});
  const isKnown = (name: string) =>
    known.includes(name) || Object.keys(model.services).some((service) => name.startsWith(`${service}.`));
  return names
    .filter((name) => !isKnown(name))
    .map((name) => {
      const near = suggest(name, known);
      return problemAt(locate, {
        severity: "error",
        code: "UNKNOWN_SERVICE",
        message: `there is no service, volume or folder ${name} to back up${near ? `; did you mean ${near}?` : ""}`,
        path: `x-roadstead.backups.sources.${name}`,
        ...(near ? { fix: `write ${near}` } : {}),
      });
    });
}

const pipelinePath = "x-roadstead.pipeline";

/** The pipeline alone, with the same problems as `readSettings` has for it. */
export function readPipelineSettings(
  model: ComposeModel,
  locate: Locate,
): { settings: PipelineSettings | undefined; problems: Problem[] } {
  const written = writtenPipeline(model);
  const { value, problems } = readOne(pipelineSchema, written, pipelinePath, locate);
  return { settings: value, problems: [...problems, ...checkPipeline(written, pipelinePath, locate)] };
}

function writtenPipeline(model: ComposeModel): unknown {
  const settings: unknown = model["x-roadstead"];
  return typeof settings === "object" && settings !== null && "pipeline" in settings
    ? settings.pipeline
    : undefined;
}

function unknownService(name: string, base: string, model: ComposeModel, locate: Locate): Problem {
  const near = suggest(name, Object.keys(model.services));
  return problemAt(locate, {
    severity: "error",
    code: "UNKNOWN_SERVICE",
    message: `there is no service ${name}${near ? `; did you mean ${near}?` : ""}`,
    path: `${base}.${name}`,
    ...(near ? { fix: `write ${near}` } : {}),
  });
}

function readOne<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: string,
  locate: Locate,
): { value: z.output<S> | undefined; problems: Problem[] } {
  if (value === undefined || value === null) return { value: undefined, problems: [] };
  let candidate: unknown = value;
  const problems: Problem[] = [];
  // A wrong part is cut out and the rest read again: one typing error must not hide the other settings.
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const result = schema.safeParse(candidate);
    if (result.success) return { value: result.data, problems };
    if (attempt === 0)
      problems.push(...result.error.issues.flatMap((issue) => toProblems(issue, schema, path, locate)));
    const paths = result.error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
    );
    if (paths.some((keys) => keys.length === 0)) break;
    candidate = paths.reduce<unknown>((rest, keys) => without(rest, keys), candidate);
  }
  return { value: undefined, problems };
}

/** A copy without the part at `keys`: below a list the whole list goes, half a list would mean something else. */
function without(value: unknown, keys: readonly PropertyKey[]): unknown {
  const [key, ...rest] = keys;
  if (key === undefined || typeof value !== "object" || value === null || Array.isArray(value))
    return undefined;
  // A missing required part takes its mapping along.
  if (!Object.hasOwn(value, key)) return undefined;
  const copy: Record<PropertyKey, unknown> = { ...value };
  const inner = rest.length === 0 ? undefined : without(copy[key], rest);
  if (inner === undefined) delete copy[key];
  else copy[key] = inner;
  return copy;
}

type Issue = z.core.$ZodIssue;

function toProblems(issue: Issue, schema: z.ZodType, base: string, locate: Locate): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => {
      const near = suggest(key, known);
      return problemAt(locate, {
        severity: "error",
        code: "UNKNOWN_KEY",
        message: `unknown key ${key}${near ? `; did you mean ${near}?` : ""}`,
        path: composePath(base, [...issue.path, key]),
        fix: near ? `write ${near}` : `remove it; known keys are ${known.join(", ")}`,
      });
    });
  }
  return [
    problemAt(locate, {
      severity: "error",
      code: "INVALID_SETTING",
      message: issueMessage(issue),
      path: composePath(base, issue.path),
    }),
  ];
}

function issueMessage(issue: Issue): string {
  if (issue.code === "invalid_type" && issue.input === undefined && issue.message.includes("undefined")) {
    return "is required here";
  }
  return issue.code === "invalid_union" && issue.message === "Invalid input"
    ? "has the wrong type; a text or a number was expected"
    : issue.message;
}

/** The keys that a mapping at this place may have. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema;
  for (const key of path) current = childOf(plain(current), key);
  const target = plain(current);
  return target instanceof z.ZodObject ? Object.keys(target.shape) : [];
}

function childOf(schema: unknown, key: PropertyKey): unknown {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<PropertyKey, unknown>)[key];
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** The schema below `optional` and `preprocess`. */
export function plain(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return plain(schema.unwrap());
  return schema instanceof z.ZodPipe && schema.in instanceof z.ZodTransform ? plain(schema.out) : schema;
}
