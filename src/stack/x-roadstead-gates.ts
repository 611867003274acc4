import { z } from "zod";
import { dayOfWeek, positive, timeOfDay } from "./x-roadstead-pipeline-values.ts";
import { field, flag, size } from "./x-roadstead-values.ts";

/** What a run has to get past between its build and its deployment. */

const names = (what: string) => z.array(z.string().min(1), { error: `expected a list of ${what}` });

function repository() {
  const form = /^(?:[a-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/;
  return z.string().regex(form, "expected a repository without a tag, e.g. ghcr.io/acme/web");
}

function tag() {
  return z.string().regex(/^\w[\w.-]{0,127}$/, "expected a tag, e.g. latest");
}

const thresholds = ["LOW", "MEDIUM", "HIGH", "CRITICAL"] as const;

export const approvalSchema = z.strictObject(
  {
    environments: field(names("environments"), {
      type: "list of environments",
      default: "production",
      description: "Runs for these wait until somebody lets them go on.",
      example: "[production]",
    }),
    approvers: field(names("names"), {
      type: "list of names",
      default: "everybody who has a token",
      description: "Names of the tokens that may approve or reject.",
    }),
    fourEyes: field(flag(), {
      type: "true or false",
      default: "false",
      description: "Whoever pushed or wrote the change can't approve it.",
    }),
    timeout: field(positive(), {
      type: "duration",
      default: "72h",
      description: "Without an answer by then the run ends as rejected.",
    }),
    remindEvery: field(positive(), {
      type: "duration",
      default: "4h",
      description: "The approvers are reminded this often.",
    }),
  },
  { error: "expected a mapping" },
);

export const scanSchema = z.strictObject(
  {
    threshold: field(z.enum(thresholds, { error: `expected one of ${thresholds.join(", ")}` }), {
      type: thresholds.join(", "),
      default: "HIGH",
      description: "A vulnerability of this severity or worse stops the run.",
    }),
    required: field(flag(), {
      type: "true or false",
      default: "false",
      description: "Without a vulnerability scanner on the host the run fails; else it says so and goes on.",
    }),
  },
  { error: "expected a mapping" },
);

export const windowSchema = z.strictObject(
  {
    days: z
      .array(dayOfWeek(), { error: "expected a list of days" })
      .min(1, { error: "expected at least one day" })
      .meta({ type: "list of mon to sun", default: "required", description: "Days on which it opens." }),
    from: timeOfDay().meta({ type: "HH:MM", default: "required", description: "When it opens, in UTC." }),
    to: timeOfDay().meta({
      type: "HH:MM",
      default: "required",
      description: "When it closes, in UTC; earlier than `from`: on the next day.",
    }),
    environments: field(names("environments"), {
      type: "list of environments",
      default: "production",
      description: "Where it counts.",
    }),
  },
  { error: "expected a mapping with days, from and to" },
);

export const imageSchema = z.strictObject(
  {
    maxSize: field(size(), {
      type: "size",
      default: "no budget",
      description: "A larger image is named with a warning, one more than a quarter larger stops the run.",
      example: "250mb",
    }),
    push: field(z.union([flag(), repository()], { error: "expected true, false or a repository" }), {
      type: "true, false or a repository",
      default: "true where the stack names a `registry`",
      description:
        "Runs push the built image there, as `<branch>-<commit>` and under the tag of `image`; true: to the repository of `image`. A version tag is never moved.",
      example: "ghcr.io/acme/web",
    }),
    tags: field(z.array(tag(), { error: "expected a list of tags" }), {
      type: "list of tags",
      default: "none",
      description: "Names that follow the newest pushed image, with a history.",
      example: "[latest]",
    }),
  },
  { error: "expected a mapping with maxSize, push or tags" },
);

export const gateFields = {
  approval: field(approvalSchema, {
    type: "mapping",
    default: "none",
    description: "A person lets the run go on.",
    example: "{environments: [production], approvers: [ada], fourEyes: true}",
  }),
  promote: field(names("environments"), {
    type: "list of environments",
    default: "none",
    description:
      "A run for one of these is first deployed to those before it, with the same images, and has to pass their smoke checks.",
    example: "[staging, production]",
  }),
  scan: field(scanSchema, {
    type: "mapping",
    default: "secrets always; vulnerabilities where the host has a scanner",
    description: "How the repository and the built images are looked at.",
  }),
  maintenance: field(z.array(windowSchema, { error: "expected a list of windows" }), {
    type: "list of mappings",
    default: "any time",
    description: "Deployments by runs and by auto-update wait for one of these windows.",
    example: "[{days: [tue, thu], from: '02:00', to: '04:00'}]",
  }),
};

export type ApprovalSettings = z.output<typeof approvalSchema>;
export type MaintenanceWindow = z.output<typeof windowSchema>;
