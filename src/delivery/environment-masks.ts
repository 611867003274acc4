import type { Clock } from "../lib/clock.ts";
import { makeMasker } from "../pipeline/mask.ts";
import { type ReleaseId, type Scope, scopeKey } from "../rollout/ids.ts";
import type { OwnSecrets } from "../secrets/port.ts";
import { secretName } from "../stack/secret-name.ts";
import type { Bundle, Store } from "../store/port.ts";
import type { Values } from "./environment.ts";
import type { VariableBook } from "./variable-book.ts";

/** Values that nobody declared secret, only named so, count from this length: `postgres` in every log line would hide more than it protects. */
const minUndeclared = 12;
/** Older values than these are forgotten first. */
const maxRemembered = 2000;
/** A release that another process made current is looked at again after this long. */
const freshMs = 2000;

/** Secrets of so many releases are kept at hand. */
const maxReleases = 200;

type Cached = { generation: number; until: number; values: string; mask: (line: string) => string };

/** What a release's texts resolve to, as far as its services' variables go. */
type LoadModel = (
  bundle: Bundle,
  environment: string,
  options: { accepted: boolean },
) => {
  model?: { services: Readonly<Record<string, { environment?: Readonly<Record<string, string | null>> }>> };
};

/**
 * Takes the secrets of a stack and environment out of lines: what is set now, what this process has read from
 * providers, and what the releases that run were given, so that neither a rotation nor a restart unmasks a value.
 */
export class EnvironmentMasks {
  readonly #parts: { store: Store; clock: Clock; book: VariableBook; own: OwnSecrets; load: LoadModel };
  readonly #remembered = new Map<string, Set<string>>();
  readonly #cache = new Map<string, Cached>();
  /** Release and generation -> values; a release never changes. */
  readonly #releases = new Map<string, readonly string[]>();

  constructor(parts: {
    store: Store;
    clock: Clock;
    book: VariableBook;
    own: OwnSecrets;
    load: LoadModel;
  }) {
    this.#parts = parts;
  }

  /** These values are secret from now on. */
  remember(scope: Scope, values: Values): void {
    const key = scopeKey(scope);
    const known = this.#remembered.get(key) ?? new Set<string>();
    for (const value of Object.values(values)) {
      // Again at the end, so that the oldest go first.
      known.delete(value);
      known.add(value);
    }
    for (const value of known) {
      if (known.size <= maxRemembered) break;
      known.delete(value);
    }
    this.#remembered.set(key, known);
    this.#cache.delete(key);
  }

  /** Of variables that came with a bundle, those that are secret by their name. */
  rememberNamed(scope: Scope, values: Values): void {
    this.remember(scope, this.#secretOnes(scope, values));
  }

  /** Something of this release is about to print, whether or not it ever becomes the current one. */
  rememberRelease(scope: Scope, id: ReleaseId): void {
    this.remember(scope, Object.fromEntries(this.#ofRelease(scope, id).map((value) => [value, value])));
  }

  mask(scope: Scope, line: string): string {
    const key = scopeKey(scope);
    const generation = this.#parts.book.generation(scope);
    const now = this.#parts.clock.now();
    const known = this.#cache.get(key);
    if (known && known.generation === generation && known.until > now) return known.mask(line);
    const found = this.#values(scope);
    const values = JSON.stringify(found);
    const mask = known?.values === values ? known.mask : makeMasker(found).mask;
    this.#cache.set(key, { generation, until: now + freshMs, values, mask });
    return mask(line);
  }

  #values(scope: Scope): Record<string, string> {
    const { store, book, own } = this.#parts;
    const found = new Set(this.#remembered.get(scopeKey(scope)));
    for (const variable of book.list(scope)) {
      const value = variable.kind === "secret" ? readable(own, scope, variable) : undefined;
      if (value !== undefined) found.add(value);
    }
    const state = store.scopes.get(scope);
    const coming = store.deployments.unfinished(scope).map(({ release }) => release);
    const releases = [state?.current, ...(state?.warm ?? []).map(({ release }) => release), ...coming];
    for (const id of releases) if (id) for (const value of this.#ofRelease(scope, id)) found.add(value);
    return Object.fromEntries([...found].map((value, index) => [String(index), value]));
  }

  /** What was written for it: its variables, and those of its services, wherever the Compose text got them from. */
  #ofRelease(scope: Scope, id: ReleaseId): readonly string[] {
    const { store, book, load } = this.#parts;
    const key = `${id} ${book.generation(scope)}`;
    const known = this.#releases.get(key);
    if (known) return known;
    const bundle = store.releases.get(id)?.bundle;
    const services = bundle && load(bundle, scope.environment, { accepted: true }).model?.services;
    const given = Object.values(services ?? {}).flatMap(({ environment }) =>
      Object.entries(environment ?? {}).flatMap(([name, value]) =>
        value === null ? [] : [{ [name]: value }],
      ),
    );
    const values = [bundle?.variables ?? {}, ...given].flatMap((one) =>
      Object.values(this.#secretOnes(scope, one)),
    );
    this.#releases.set(key, values);
    for (const oldest of this.#releases.keys()) {
      if (this.#releases.size <= maxReleases) break;
      this.#releases.delete(oldest);
    }
    return values;
  }

  #secretOnes(scope: Scope, values: Values): Record<string, string> {
    return Object.fromEntries(
      Object.entries(values).filter(([name, value]) => {
        const declared = this.#parts.book.get(scope, name);
        if (declared) return declared.kind !== "plain";
        return secretName.test(name) && value.length >= minUndeclared;
      }),
    );
  }
}

/** A value that no longer opens fails the deploy that needs it; logs and journals go on. */
function readable(own: OwnSecrets, scope: Scope, of: { name: string; version: string }): string | undefined {
  try {
    return own.read(scope, of.name, of.version);
  } catch {
    // Nobody else can have read it either.
    return undefined;
  }
}
