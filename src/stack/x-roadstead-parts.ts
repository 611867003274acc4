import { z } from "zod";
import {
  argv,
  duration,
  expandRoute,
  expandSmoke,
  field,
  flag,
  host,
  integer,
  port,
  share,
  urlPath,
} from "./x-roadstead-values.ts";

/** The mappings inside a service's `x-roadstead`, with the texts that docs/x-roadstead.md is generated from. */

const timing = {
  interval: field(duration(), {
    type: "duration",
    default: "the healthcheck's, else 5s",
    description:
      "Time between two probes of a ready replica. A replica that is not ready yet is probed more often.",
  }),
  timeout: field(duration(), {
    type: "duration",
    default: "the healthcheck's, else 5s",
    description: "A probe that takes longer has failed.",
  }),
  retries: field(integer(1, 1000), {
    type: "number",
    default: "the healthcheck's, else 3",
    description: "So many failures in a row make a ready replica unready.",
  }),
  startPeriod: field(duration(), {
    type: "duration",
    default: "the healthcheck's, else 0s",
    description: "Time to start up; it is added to `readyTimeout`.",
  }),
};

export const routeSchema = z.preprocess(
  expandRoute,
  z.strictObject(
    {
      host: host().meta({
        type: "host name",
        default: "required",
        description:
          "Exact name, `*.example.com`, or `*` for every host. An exact name wins over a wildcard.",
      }),
      path: field(urlPath(), {
        type: "path",
        default: "/",
        description:
          "Prefix of whole segments: `/api` gets `/api` and `/api/x`, not `/apiary`. The longest wins.",
      }),
      port: field(port(), {
        type: "port",
        default: "the service's main port",
        description: "Container port that gets the requests.",
      }),
      stripPath: field(flag(), {
        type: "true or false",
        default: "false",
        description: "Removes `path` before the request goes on to the service.",
      }),
    },
    { error: 'expected a text like "example.com/api" or a mapping with host, path, port, stripPath' },
  ),
);

export const canarySchema = z.strictObject({
  steps: field(
    z
      .array(
        z.strictObject({
          weight: integer(1, 100).meta({
            type: "per cent",
            default: "required",
            description: "Share of new requests that the new release gets.",
          }),
          for: duration().meta({
            type: "duration",
            default: "required",
            description: "How long this share is watched.",
          }),
        }),
      )
      .min(1)
      .refine((steps) => steps.every(({ weight }, index) => weight > (steps[index - 1]?.weight ?? 0)), {
        error: "the weights must rise from step to step",
      }),
    {
      type: "list of {weight, for}",
      default: "[{weight: 10, for: 10m}]",
      description: "Shares of traffic, in rising order; after the last the release gets everything.",
    },
  ),
  maxErrorRate: field(share(), {
    type: "share",
    default: "1%",
    description: "A larger share of 5xx answers and failed requests withdraws the release.",
  }),
  maxP95: field(duration(), {
    type: "duration",
    default: "1s",
    description: "A slower 95th percentile withdraws the release.",
  }),
  minRequests: field(integer(1, 1_000_000_000), {
    type: "number",
    default: "100",
    description: "No verdict on fewer requests of the canary's own.",
  }),
});

export const releaseSchema = z.strictObject({
  command: argv().meta({
    type: "argv list",
    default: "required",
    description: "Program and arguments, run once in the new image. No shell: `&&` would be an argument.",
  }),
  timeout: field(duration(), {
    type: "duration",
    default: "5m",
    description: "The command is killed after this long, and the deployment fails.",
  }),
  snapshot: field(flag(), {
    type: "true or false",
    default: "false",
    description: "Takes a snapshot of the stack's databases before the command runs. Kept; not acted on yet.",
  }),
});

export const smokeSchema = z.preprocess(
  expandSmoke,
  z.strictObject(
    {
      request: z
        .string()
        .regex(/^[A-Z]+ \/\S*$/, { error: 'expected a request like "GET /health"' })
        .meta({ type: "text", default: "required", description: "Method and path, e.g. `GET /health`." }),
      status: field(integer(100, 599), { type: "number", default: "200", description: "Expected answer." }),
      contains: field(z.string(), {
        type: "text",
        default: "none",
        description: "The body must contain this text.",
      }),
    },
    { error: 'expected a text like "GET /health 200" or a mapping with request, status, contains' },
  ),
);

export const healthSchema = z.strictObject({
  http: field(urlPath(), {
    type: "path",
    default: "none",
    description:
      "GET of this path must answer 200 to 399. Asked from outside the image: no curl needed in it.",
  }),
  tcp: field(z.union([flag(), port()]), {
    type: "true or port",
    default: "none",
    description: "A TCP connection must open.",
  }),
  exec: field(argv(), {
    type: "argv list",
    default: "none",
    description: "This command, run inside the replica, must exit with 0.",
  }),
  port: field(port(), {
    type: "port",
    default: "the service's main port",
    description: "Container port for `http` and `tcp`.",
  }),
  ...timing,
});

export const siteSchema = z.strictObject({
  root: z.string().min(1).meta({
    type: "folder",
    default: "required",
    description: "Folder with the built files, relative to the project directory. The edge serves it.",
  }),
  spa: field(flag(), {
    type: "true or false",
    default: "false",
    description: "Unknown paths give `index.html` with 200; a missing file with an extension stays 404.",
  }),
  config: field(
    z.record(
      z.string().regex(/^[A-Za-z_]\w*$/, { error: "expected a name of letters, digits and _" }),
      z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]),
      { error: "expected a mapping of names to values" },
    ),
    {
      type: "mapping",
      default: "none",
      description:
        "Values of the environment, given at run time instead of built in: `/config.js` sets them as `globalThis.ROADSTEAD_CONFIG`. One build then fits every environment. Everybody can read them.",
      example: "{VITE_API_URL: 'https://api.example.com'}",
    },
  ),
});

export const rateLimitSchema = z.strictObject({
  rate: integer(1, 1_000_000).meta({
    type: "requests per second",
    default: "required",
    description: "Allowed for each client address; more get 429 with Retry-After.",
  }),
  burst: field(integer(1, 1_000_000), {
    type: "number",
    default: "the rate",
    description: "Requests that may come at once.",
  }),
});
