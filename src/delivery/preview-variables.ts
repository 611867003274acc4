import type { Scope } from "../rollout/ids.ts";
import type { Store } from "../store/port.ts";
import { variableScope } from "./previews.ts";
import type { Variables } from "./variables.ts";

/** The variables of a run: of its own environment, of `preview` for a preview, none for a stranger's commit. */
export async function runVariables(
  { store, variables }: { store: Store; variables: Variables },
  scope: Scope,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const of = variableScope(store, scope);
  if (of === undefined) return {};
  const values = await variables.environment.values(of, signal);
  if (of === scope) return values;
  const secret = variables.book.list(of).filter(({ kind }) => kind !== "plain");
  // What the preview prints is masked under its own name.
  variables.masks.remember(scope, Object.fromEntries(secret.map(({ name }) => [name, values[name] ?? ""])));
  return values;
}

/** Those of them that are secret, as far as they are kept here. */
export function runSecrets(
  { store, variables }: { store: Store; variables: Variables },
  scope: Scope,
): Readonly<Record<string, string>> {
  const of = variableScope(store, scope);
  return of === undefined ? {} : variables.environment.secrets(of);
}
