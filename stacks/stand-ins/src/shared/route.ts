import type { Answer } from "./answer.ts";
import type { Call } from "./call.ts";

/** `undefined`: the handler has written the response itself (streams). */
export type Handler = (call: Call) => Answer | undefined | Promise<Answer | undefined>;

/** Method and path, e.g. `GET /guilds/:id`; `:name` stands for one segment. */
export type Routes = Record<string, Handler>;

type Compiled = { method: string; pattern: RegExp; handler: Handler };

export class Router {
  readonly #routes: Compiled[];

  constructor(routes: Routes) {
    this.#routes = Object.entries(routes).map(([name, handler]) => compile(name, handler));
  }

  find(method: string, path: string): { handler: Handler; params: Record<string, string> } | undefined {
    // Clients differ in whether they encode the @ of `@me` and `@original`.
    const plain = path.replace(/%40/g, "@");
    for (const route of this.#routes) {
      if (route.method !== method) continue;
      const found = route.pattern.exec(plain);
      if (found) return { handler: route.handler, params: decoded(found.groups ?? {}) };
    }
    return undefined;
  }
}

function compile(name: string, handler: Handler): Compiled {
  const [method = "", path = ""] = name.split(" ");
  const pattern = path.replace(/[.]/g, "\\.").replace(/:(\w+)/g, "(?<$1>[^/]+)");
  return { method, pattern: new RegExp(`^${pattern}/?$`), handler };
}

function decoded(groups: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(groups).map(([key, value]) => [key, decodeURIComponentSafely(value)]),
  );
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
