import type { ComposeModel, ComposeService } from "./compose-model.ts";
import { type HealthCommand, readHealthCommand } from "./health-command.ts";
import { type ImageFamily, imageFamily } from "./image-family.ts";
import type { Problem } from "./problem.ts";
import { type Locate, problemAt } from "./problem-at.ts";
import { findReferences, namesOf, type Reference } from "./references.ts";
import type { Settings } from "./x-roadstead.ts";
import type { ServiceSettings } from "./x-roadstead-schema.ts";

/** What is known about one service before anything is decided; gathered once, read by every inference. */
export type ServiceFacts = {
  name: string;
  /** With the chosen environment's variables. */
  compose: ComposeService;
  settings: ServiceSettings;
  family: ImageFamily | undefined;
  /** Of other services to this one. */
  references: readonly Reference[];
  /** The Compose healthcheck taken apart. */
  healthCommand: HealthCommand | undefined;
  /** TCP ports that the Dockerfile EXPOSEs, where it could be read. */
  exposedByImage: readonly number[];
  /** Another service waits for `service_completed_successfully` of this one. */
  awaitedToEnd: boolean;
};

/** Reports a problem at a Compose path; `fix` says what to write instead, `at` overrides where that path stands. */
export type Tell = (
  severity: Problem["severity"],
  code: string,
  problem: { path: string; message: string; fix?: string; at?: { file: string; line: number } },
) => void;

export function tellInto(problems: Problem[], locate: Locate): Tell {
  return (severity, code, { at, ...problem }) => {
    const full = { severity, code, ...problem };
    problems.push(at === undefined ? problemAt(locate, full) : { ...full, ...at });
  };
}

/** The facts of every service, in the order of the file. */
export function gatherFacts(
  model: ComposeModel,
  settings: Settings,
  exposedByImage: (name: string, service: ComposeService) => readonly number[],
): ServiceFacts[] {
  const services = Object.fromEntries(
    Object.entries(model.services).map(([name, service]) => [
      name,
      withVariables(service, settings.services[name]),
    ]),
  );
  const references = findReferences({ ...model, services });
  const awaited = new Set(
    Object.values(services).flatMap((service) =>
      Object.entries(service.depends_on ?? {})
        .filter(([, dependency]) => dependency.condition === "service_completed_successfully")
        .map(([name]) => name),
    ),
  );
  return Object.entries(services).map(([name, compose]) => ({
    name,
    compose,
    settings: settings.services[name] ?? {},
    family: compose.image === undefined || compose.build ? undefined : imageFamily(compose.image),
    references: references.filter((reference) => reference.to === name),
    healthCommand: compose.healthcheck?.disable
      ? { kind: "disabled" }
      : readHealthCommand(compose.healthcheck?.test, compose.environment ?? {}, namesOf(name, compose)),
    exposedByImage: exposedByImage(name, compose),
    awaitedToEnd: awaited.has(name),
  }));
}

function withVariables(service: ComposeService, settings: ServiceSettings | undefined): ComposeService {
  if (settings?.environment === undefined) return service;
  const environment = { ...service.environment };
  for (const [name, value] of Object.entries(settings.environment)) {
    if (value === null) delete environment[name];
    else environment[name] = value;
  }
  return { ...service, environment };
}
