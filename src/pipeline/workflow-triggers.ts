import type { EventKind, JobFilter, RefFilter, Triggers } from "./pipeline.ts";
import type { Comparison } from "./workflow-expressions.ts";
import { list, mapping, scalar, textList, type WorkflowSource } from "./workflow-source.ts";

/** The triggers of a workflow; those of a forge alone are told. */
export function readTriggers(source: WorkflowSource): Triggers {
  const on = mapping(source.value)["on"];
  const written: Readonly<Record<string, unknown>> =
    typeof on === "string" || Array.isArray(on)
      ? Object.fromEntries(textList(on).map((name) => [name, null]))
      : mapping(on);
  const triggers: Triggers = {};
  for (const [event, settings] of Object.entries(written)) {
    if (event === "push") readPush(mapping(settings), triggers);
    else if (event === "pull_request") triggers.pullRequest = refFilter(mapping(settings));
    else if (event === "workflow_dispatch")
      triggers.manual = { inputs: readInputs(mapping(settings)["inputs"]) };
    else if (event === "schedule")
      triggers.schedule = list(settings).flatMap((item, index) => readCron(source, item, index));
    else source.tell(["on", event], `the event ${event} starts no run here`);
  }
  return triggers;
}

function readPush(settings: Readonly<Record<string, unknown>>, triggers: Triggers): void {
  const tags = patterns(settings, "tags");
  const branches = patterns(settings, "branches");
  // A filter for one of the two alone leaves the other out.
  if (tags !== undefined || branches === undefined) triggers.tag = tags ?? ["**"];
  if (branches !== undefined || tags === undefined) triggers.push = refFilter(settings);
}

function refFilter(settings: Readonly<Record<string, unknown>>): RefFilter {
  const paths = patterns(settings, "paths");
  return { branches: patterns(settings, "branches") ?? ["**"], ...(paths === undefined ? {} : { paths }) };
}

function patterns(settings: Readonly<Record<string, unknown>>, key: string): string[] | undefined {
  if (settings[key] !== undefined && settings[key] !== null) return textList(settings[key]);
  const ignored = settings[`${key}-ignore`];
  return ignored === undefined || ignored === null
    ? undefined
    : ["**", ...textList(ignored).map((text) => `!${text}`)];
}

function readInputs(inputs: unknown): { name: string; required: boolean; default?: string }[] {
  return Object.entries(mapping(inputs)).map(([name, input]) => {
    const fallback = scalar(mapping(input)["default"]);
    const required = mapping(input)["required"] === true;
    return { name, required, ...(fallback === undefined ? {} : { default: fallback }) };
  });
}

function readCron(source: WorkflowSource, item: unknown, index: number): string[] {
  const cron = scalar(mapping(item)["cron"])?.trim().split(/\s+/) ?? [];
  if (cron.length === 5 && cron.every((field) => /^[\d*,/-]+$/.test(field))) return [cron.join(" ")];
  source.tell(
    ["on", "schedule", index],
    "this is not a cron expression of five numeric fields, so nothing starts by it",
  );
  return [];
}

const kinds: readonly EventKind[] = ["push", "pull-request", "tag", "manual", "schedule"];

const kindOf: Readonly<Record<string, readonly EventKind[]>> = {
  push: ["push", "tag"],
  pull_request: ["pull-request"],
  workflow_dispatch: ["manual"],
  schedule: ["schedule"],
};

/** The conditions of a job's `if`; `undefined` when a job cannot have such a condition. */
export function filterOf(comparisons: readonly Comparison[]): JobFilter | undefined {
  let events: readonly EventKind[] = kinds;
  const positive: string[] = [];
  const negative: string[] = [];
  for (const { variable, equal, value } of comparisons) {
    const branch = variable === "GITHUB_REF" ? /^refs\/heads\/(.+)$/.exec(value)?.[1] : value;
    if (variable === "GITHUB_EVENT_NAME") {
      const named = Object.hasOwn(kindOf, value) ? (kindOf[value] ?? []) : [];
      events = events.filter((kind) => named.includes(kind) === equal);
    } else if (
      (variable !== "GITHUB_REF" && variable !== "GITHUB_REF_NAME") ||
      branch === undefined ||
      /[*?!]/.test(branch)
    )
      return undefined;
    else if (equal) positive.push(branch);
    else negative.push(branch);
  }
  if (new Set(positive).size > 1) return undefined;
  const branches = [
    ...(positive.length > 0 ? positive.slice(0, 1) : ["**"]),
    ...negative.map((name) => `!${name}`),
  ];
  return {
    ...(positive.length + negative.length > 0 ? { branches } : {}),
    ...(events.length < kinds.length ? { events } : {}),
  };
}
