import { z } from "zod";
import { apiPrefix, type Endpoint } from "./contract/endpoint.ts";
import { errorSchema } from "./contract/models.ts";
import { apiTable } from "./contract/table.ts";

type Json = Record<string, unknown>;

/** Where the generated document is kept, from the repository's root. */
export const openApiFile = "docs/openapi.json";

/** The document as `docs/openapi.json` holds it; a unit test compares the two. */
export function openApiText(version: string): string {
  return `${JSON.stringify(openApiDocument(version), null, 2)}\n`;
}

/** The OpenAPI 3.1 document of the whole API, made from the contract's table. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Json> = {};
  const schemas: Record<string, Json> = {};
  const schemaOf: SchemaOf = (schema, io) => collect(schemas, schema, io);
  for (const [group, endpoints] of Object.entries(apiTable)) {
    for (const [name, endpoint] of Object.entries<Endpoint>(endpoints)) {
      const path = `${apiPrefix}${endpoint.path.replace(/:(\w+)/g, "{$1}")}`;
      const operations = paths[path] ?? {};
      operations[endpoint.method.toLowerCase()] = operation({
        operationId: `${group}.${name}`,
        tag: group,
        endpoint,
        schemaOf,
      });
      paths[path] = operations;
    }
  }
  schemas["Error"] = schemaOf(errorSchema, "output");
  return {
    openapi: "3.1.0",
    info: {
      title: "Roadstead",
      version,
      description: "Times are epoch milliseconds. Every answer carries its request id in `x-request-id`.",
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

type SchemaOf = (schema: z.ZodType, io: "input" | "output") => Json;

function operation(given: {
  operationId: string;
  tag: string;
  endpoint: Endpoint;
  schemaOf: SchemaOf;
}): Json {
  const { operationId, tag, endpoint, schemaOf } = given;
  const parameters = [
    ...parametersOf(endpoint.params, "path", schemaOf),
    ...parametersOf(endpoint.query, "query", schemaOf),
  ];
  if (endpoint.stream === "sse")
    parameters.push({
      name: "last-event-id",
      in: "header",
      required: false,
      schema: { type: "string" },
      description: "Only events after this one.",
    });
  return {
    operationId,
    tags: [tag],
    summary: endpoint.summary,
    ...(endpoint.anonymous ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(endpoint.body === undefined
      ? {}
      : {
          requestBody: {
            required: !endpoint.body.safeParse(undefined).success,
            content: { "application/json": { schema: schemaOf(endpoint.body, "input") } },
          },
        }),
    responses: {
      ...successOf(endpoint, schemaOf),
      default: {
        description: "A failure: 400, 401, 403, 404, 409, 413, 422, 429, 500 or 503.",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    },
  };
}

function successOf(endpoint: Endpoint, schemaOf: SchemaOf): Json {
  if (endpoint.stream === "upgrade") return { "101": { description: "A WebSocket." } };
  const schema = schemaOf(endpoint.response, "output");
  const type =
    endpoint.stream === "sse"
      ? "text/event-stream"
      : endpoint.stream === "ndjson"
        ? "application/x-ndjson"
        : "application/json";
  const description = endpoint.stream ? "A stream; the schema is that of one item." : "Success.";
  return { [String(endpoint.status ?? 200)]: { description, content: { [type]: { schema } } } };
}

function parametersOf(schema: z.ZodType | undefined, place: "path" | "query", schemaOf: SchemaOf): Json[] {
  if (schema === undefined) return [];
  const { properties, required } = schemaOf(schema, "input") as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === "path" || (required ?? []).includes(name),
    schema: property,
  }));
}

/** A schema with the named ones in it (`.meta({ id })`) moved to the document's components. */
function collect(schemas: Record<string, Json>, schema: z.ZodType, io: "input" | "output"): Json {
  const {
    $schema: _,
    $defs,
    ...json
  } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      // A later version may answer more: clients made from this document must bear that.
      if (io === "output" && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
    },
  });
  for (const [name, definition] of Object.entries($defs ?? {}))
    schemas[name] = inComponents(definition) as Json;
  const { id, ...rest } = inComponents(json) as Json;
  if (typeof id !== "string") return rest;
  schemas[id] = rest;
  return { $ref: `#/components/schemas/${id}` };
}

function inComponents(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
}
