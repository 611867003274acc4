import type { Clock } from "../lib/clock.ts";
import { makeMasker } from "../pipeline/mask.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import type { OwnSecrets } from "../secrets/port.ts";
import { secretName } from "../stack/secret-name.ts";
import type { Store } from "../store/port.ts";
import type { Values } from "./environment.ts";
import type { VariableBook } from "./variable-book.ts";

/** Values that nobody declared secret, only named so, count from this length: `postgres` in every log line would hide more than it protects. */
const minUndeclared = 12;
/** Older values than these are forgotten first. */
const maxRemembered = 2000;
/** A release that another process made current is looked at again after this long. */
const freshMs = 2000;

type Cached = { generation: number; until: number; mask: (line: string) => string };

/**
 * Takes the secrets of a stack and environment out of lines: what is set now, what this process has read from
 * providers, and what the releases that run were given, so that neither a rotation nor a restart unmasks a value.
 */
export class EnvironmentMasks {
  readonly #parts: { store: Store; clock: Clock; book: VariableBook; own: OwnSecrets };
  readonly #remembered = new Map<string, Set<string>>();
  readonly #cache = new Map<string, Cached>();

  constructor(parts: { store: Store; clock: Clock; book: VariableBook; own: OwnSecrets }) {
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

  mask(scope: Scope, line: string): string {
    const key = scopeKey(scope);
    const generation = this.#parts.book.generation(scope);
    const now = this.#parts.clock.now();
    const known = this.#cache.get(key);
    if (known && known.generation === generation && known.until > now) return known.mask(line);
    const { mask } = makeMasker(this.#values(scope));
    this.#cache.set(key, { generation, until: now + freshMs, mask });
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
    const releases = [state?.current, ...(state?.warm ?? []).map(({ release }) => release)];
    for (const id of releases) {
      const release = id && store.releases.get(id);
      if (!release) continue;
      for (const value of Object.values(this.#secretOnes(scope, release.bundle.variables))) found.add(value);
    }
    return Object.fromEntries([...found].map((value, index) => [String(index), value]));
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
