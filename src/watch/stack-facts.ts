import { BoundedCache } from "../lib/bounded-cache.ts";
import { type PublicRoute, publicRoutes } from "../policy/public-routes.ts";
import type { ReleaseId, Scope } from "../rollout/ids.ts";
import type { Stack } from "../stack/stack.ts";
import type { DependencyProbe } from "../stack/x-roadstead-dependencies.ts";
import type { Bundle, Store } from "../store/port.ts";
import { type DatabaseService, databaseServices } from "./database-services.ts";

/** What is asked of a stack from outside; little enough to be kept for every scope. */
type StackFact = {
  outside: readonly DependencyProbe[];
  routes: readonly PublicRoute[];
  databases: readonly DatabaseService[];
  /** Secret -> version of its content. */
  fileVersions: Readonly<Record<string, string>>;
};

export type ScopeFacts = StackFact & { scope: Scope; release: ReleaseId };

/** Compose text to stack; the same function that the engine has. */
type Resolve = (bundle: Bundle, environment: string, options?: { accepted: boolean }) => { stack?: Stack };

/** More releases than this are hardly current at once. */
const remembered = 200;

/** What there is to be asked in every scope now; stopped services and what was cut off are left out. */
export class StackFacts {
  readonly #store: Pick<Store, "scopes" | "releases">;
  readonly #resolve: Resolve;
  readonly #known = new BoundedCache<ReleaseId, StackFact>(remembered);

  constructor(parts: { store: Pick<Store, "scopes" | "releases">; resolve: Resolve }) {
    this.#store = parts.store;
    this.#resolve = parts.resolve;
  }

  all(): ScopeFacts[] {
    return this.#store.scopes.list().flatMap((state) => {
      const { scope, current: release, stopped, isolated } = state;
      if (release === undefined || isolated === true) return [];
      const runs = ({ service }: { service: string }) => !stopped.includes(service);
      const { outside, routes, databases, fileVersions } = this.#factOf(release, scope);
      const own = { routes: routes.filter(runs), databases: databases.filter(runs) };
      return [{ scope, release, outside, fileVersions, ...own }];
    });
  }

  /** Resolving a release takes milliseconds and makes a large object: once, and only what is needed is kept. */
  #factOf(id: ReleaseId, scope: Scope): StackFact {
    const known = this.#known.get(id);
    if (known) return known;
    const release = this.#store.releases.get(id);
    const stack = release && this.#resolve(release.bundle, scope.environment, { accepted: true }).stack;
    const fact = { ...nothing, ...(stack ? factOf(stack) : {}), fileVersions: release?.fileVersions ?? {} };
    this.#known.set(id, fact);
    return fact;
  }
}

const nothing = { outside: [], routes: [], databases: [] };

function factOf(stack: Stack): Omit<StackFact, "fileVersions"> {
  return {
    outside: stack.outside ?? [],
    routes: publicRoutes(stack),
    databases: databaseServices(stack),
  };
}
