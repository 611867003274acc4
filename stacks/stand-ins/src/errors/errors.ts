import { randomUUID } from "node:crypto";
import { type Answer, json } from "../shared/answer.ts";
import { Bounded } from "../shared/bounded.ts";
import { type Call, isObject, type Json } from "../shared/call.ts";
import { Faults } from "../shared/faults.ts";
import type { Handler, Routes } from "../shared/route.ts";
import { accepts, type Environment, listenOn, listFrom } from "../shared/settings.ts";
import { StandIn } from "../shared/stand-in.ts";
import { decompressed, parsed, parseEnvelope } from "./envelope.ts";

const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "POST, OPTIONS",
  "access-control-allow-headers": "content-type, content-encoding, x-sentry-auth, authorization",
  "access-control-max-age": "600",
};

/** Sentry's intake: envelopes, the old store form, and source maps of a release. */
class ErrorTracker {
  readonly #keys: string[];
  readonly #events = new Bounded<Json>(200);
  readonly #items = new Bounded<Json>(1_000);
  readonly #files = new Bounded<Json>(1_000);

  constructor(keys: string[]) {
    this.#keys = keys;
  }

  reset(): void {
    for (const kept of [this.#events, this.#items, this.#files]) kept.clear();
  }

  routes(): Routes {
    const preflight = (): Answer => ({ status: 204, headers: cors });
    const upload: Handler = (call) => this.#upload(call);
    return {
      "POST /api/:project/envelope": (call) => this.#envelope(call),
      "OPTIONS /api/:project/envelope": preflight,
      "POST /api/:project/store": (call) => this.#store(call),
      "OPTIONS /api/:project/store": preflight,
      "POST /api/0/organizations/:org/releases/:release/files": upload,
      "POST /api/0/projects/:org/:project/releases/:release/files": upload,
    };
  }

  control(): Routes {
    const ofProject = (all: readonly Json[], call: Call): Answer => {
      const project = call.url.searchParams.get("project");
      return json(all.filter((one) => project === null || one["project"] === project));
    };
    return {
      "GET /_stand-in/events": (call) => ofProject(this.#events.all, call),
      "GET /_stand-in/items": (call) => ofProject(this.#items.all, call),
      "GET /_stand-in/files": () => json(this.#files.all),
    };
  }

  #envelope(call: Call): Answer {
    const body = decompressed(call.body, call.header("content-encoding"));
    const envelope = body && parseEnvelope(body);
    if (!envelope) return answer({ detail: "bad envelope" }, 400);
    const dsn = URL.parse(String(envelope.header["dsn"] ?? ""));
    if (!accepts(this.#keys, keyOf(call) || (dsn?.username ?? ""))) return wrongKey;
    const project = call.param("project");
    const at = new Date().toISOString();
    for (const { type, header, payload } of envelope.items) {
      this.#items.push({ at, project, type, header, payload });
      if (type === "event" && isObject(payload)) this.#events.push(summary(at, project, payload));
    }
    return answer({ id: String(envelope.header["event_id"] ?? randomUUID().replaceAll("-", "")) });
  }

  #store(call: Call): Answer {
    if (!accepts(this.#keys, keyOf(call))) return wrongKey;
    const body = decompressed(call.body, call.header("content-encoding"));
    const payload = body && parsed(body);
    if (!isObject(payload)) return answer({ detail: "bad event" }, 400);
    this.#events.push(summary(new Date().toISOString(), call.param("project"), payload));
    return answer({ id: String(payload["event_id"] ?? randomUUID().replaceAll("-", "")) });
  }

  async #upload(call: Call): Promise<Answer> {
    if (!/^Bearer .+/.test(call.header("authorization"))) return answer({ detail: "no token" }, 401);
    const headers = { "content-type": call.header("content-type") };
    const form = await new Response(new Uint8Array(call.body), { headers }).formData().catch(() => undefined);
    const file = form?.get("file");
    if (!form || !file || typeof file === "string") return answer({ detail: "no file" }, 400);
    const given = form.get("name");
    const name = typeof given === "string" ? given : file.name;
    const entry = { at: new Date().toISOString(), release: call.param("release"), name, size: file.size };
    this.#files.push(entry);
    return answer({ id: randomUUID(), name, size: file.size }, 201);
  }
}

function keyOf(call: Call): string {
  const fromHeader = /sentry_key=([^,\s]+)/.exec(call.header("x-sentry-auth"))?.[1];
  return fromHeader ?? call.url.searchParams.get("sentry_key") ?? "";
}

function summary(at: string, project: string, event: Json): Json {
  const exception = isObject(event["exception"]) ? event["exception"]["values"] : event["exception"];
  const values = Array.isArray(exception) ? exception.filter(isObject) : [];
  const message = isObject(event["message"]) ? event["message"]["formatted"] : event["message"];
  const logged = isObject(event["logentry"]) ? event["logentry"]["formatted"] : undefined;
  return {
    at,
    project,
    eventId: event["event_id"] ?? null,
    level: event["level"] ?? "error",
    message: message ?? logged ?? null,
    exception: values.map(({ type, value }) => ({ type, value })),
    release: event["release"] ?? null,
    environment: event["environment"] ?? null,
    platform: event["platform"] ?? null,
    tags: event["tags"] ?? {},
    request: event["request"] ?? null,
    event,
  };
}

const answer = (body: unknown, status = 200): Answer => ({ status, body, headers: cors });
const wrongKey = answer({ detail: "bad sentry DSN public key" }, 401);

/** Starts it. */
export function startErrors(env: Environment): Promise<StandIn> {
  const tracker = new ErrorTracker(listFrom(env, "PUBLIC_KEY", "*"));
  const standIn = new StandIn({
    name: "errors",
    ...listenOn(env),
    faults: new Faults({ defaults: {}, checks: {} }),
    routes: tracker.routes(),
    control: tracker.control(),
    faultAnswer: (status) => answer({ detail: "fault" }, status),
    reset: () => tracker.reset(),
  });
  return standIn.listen();
}
