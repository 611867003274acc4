import { mapLimited } from "../lib/limit.ts";
import { PlatformError } from "../lib/platform-error.ts";
import { type Scope, scopeKey } from "../rollout/ids.ts";
import { secretsError } from "../secrets/errors.ts";
import type { SecretSources } from "../secrets/port.ts";
import { parseReference } from "../secrets/reference.ts";
import type { LoadedStack } from "../stack/load-stack.ts";
import type { Stack } from "../stack/stack.ts";
import type { Bundle } from "../store/port.ts";
import type { Variable, VariableBook } from "./variable-book.ts";

/** References asked for side by side. */
const readWidth = 8;
/** One slow provider must not hold a deploy for ever. */
const readLimitMs = 60_000;

export type Values = Readonly<Record<string, string>>;

export type EnvironmentParts = {
  book: VariableBook;
  secrets: SecretSources;
  /** Compose text to stack, with the variables that it used. */
  load: (bundle: Bundle, environment: string) => LoadedStack;
  /** Hears of every value that is secret, so that it can be masked from then on. */
  onSecrets: (scope: Scope, values: Values) => void;
};

/** The variables of a stack and environment as values: what a deploy interpolates with. */
export class Environment {
  readonly #parts: EnvironmentParts;
  readonly #secrets = new Map<string, Values>();

  constructor(parts: EnvironmentParts) {
    this.#parts = parts;
  }

  /** All variables, references read from their providers now; refused with every name that can't be read. */
  async values(scope: Scope, signal: AbortSignal): Promise<Record<string, string>> {
    const variables = this.#parts.book.list(scope);
    const limited = AbortSignal.any([signal, AbortSignal.timeout(readLimitMs)]);
    const failures: { name: string; error: unknown }[] = [];
    const values: Record<string, string> = {};
    const secret: Record<string, string> = {};
    await mapLimited(variables, readWidth, async (variable) => {
      try {
        const value = await this.#value(scope, variable, limited);
        values[variable.name] = value;
        if (variable.kind !== "plain") secret[variable.name] = value;
      } catch (error) {
        signal.throwIfAborted();
        failures.push({ name: variable.name, error });
      }
    });
    this.#parts.onSecrets(scope, secret);
    this.#secrets.set(scopeKey(scope), secret);
    if (failures.length > 0) throw unreadable(failures);
    return values;
  }

  /** Those of the values last read that are secret. */
  secrets(scope: Scope): Values {
    return this.#secrets.get(scopeKey(scope)) ?? {};
  }

  /**
   * What a bundle lacks, laid beneath it: the shell of who deploys wins over the environment, the environment over
   * `.env`. Only what the stack uses is taken, so that a release holds what it runs with and nothing else.
   */
  async supply(
    scope: Scope,
    sent: { bundle: Bundle; files: Readonly<Record<string, Uint8Array>> },
    signal: AbortSignal,
  ): Promise<{ bundle: Bundle; files: Readonly<Record<string, Uint8Array>> }> {
    const { bundle, files } = sent;
    const values = await this.values(scope, signal);
    // A stack without variables of its own is what was sent.
    if (Object.keys(values).length === 0) return { bundle, files };
    const all = { ...values, ...bundle.variables };
    const { stack, variablesUsed } = this.#parts.load({ ...bundle, variables: all }, scope.environment);
    return {
      bundle: { ...bundle, variables: { ...variablesUsed, ...bundle.variables } },
      files: { ...(stack ? missingFiles(stack, all) : {}), ...files },
    };
  }

  async #value(scope: Scope, variable: Variable, signal: AbortSignal): Promise<string> {
    const { secrets } = this.#parts;
    if (variable.kind === "plain") return variable.value;
    if (variable.kind === "secret") return secrets.own.read(scope, variable.name, variable.version);
    const { provider, address } = parseReference(variable.reference);
    const found = secrets.providers().find(({ name }) => name === provider);
    if (!found) throw secretsError("SECRETS_NOT_CONFIGURED", `there is no secret provider ${provider}`);
    return await found.read(address, signal);
  }
}

/** Contents of Compose secrets and configs that are named after a variable, or kept outside the file. */
export function missingFiles(stack: Pick<Stack, "files">, values: Values): Record<string, Uint8Array> {
  const found: Record<string, Uint8Array> = {};
  for (const { name, source } of stack.files) {
    const value =
      source.from === "environment"
        ? values[source.variable]
        : source.from === "external"
          ? values[name]
          : undefined;
    if (value !== undefined) found[name] = Buffer.from(value);
  }
  return found;
}

function unreadable(failures: readonly { name: string; error: unknown }[]): PlatformError {
  const first = failures[0]?.error;
  const sorted = [...failures].sort((a, b) => (a.name < b.name ? -1 : 1));
  const texts = sorted.map(({ name, error }) => {
    const why = error instanceof PlatformError ? error.message : "its provider did not answer in time";
    return `${name}: ${why}`;
  });
  const known = first instanceof PlatformError ? first : undefined;
  return new PlatformError(known?.code ?? "SECRETS_UNAVAILABLE", texts.join("; "), {
    hint: known?.hint ?? "What runs goes on. Deploy again when the provider answers.",
    cause: first,
  });
}
