import type { Clock } from "../lib/clock.ts";
import type { SecretSources } from "../secrets/port.ts";
import type { LoadedStack } from "../stack/load-stack.ts";
import type { Bundle, Store } from "../store/port.ts";
import { Environment } from "./environment.ts";
import { EnvironmentMasks } from "./environment-masks.ts";
import { VariableBook } from "./variable-book.ts";

/** Variables and secrets of all stacks and environments, as the surfaces and the delivery use them. */
export type Variables = {
  book: VariableBook;
  environment: Environment;
  masks: EnvironmentMasks;
  secrets: SecretSources;
  /** Compose text to stack, with the variables that it used. */
  load: (bundle: Bundle, environment: string, options?: { accepted: boolean }) => LoadedStack;
};

export function makeVariables(parts: {
  store: Store;
  clock: Clock;
  secrets: SecretSources;
  load: Variables["load"];
}): Variables {
  const { store, clock, secrets, load } = parts;
  const { own } = secrets;
  const book = new VariableBook({ store, clock, own });
  const masks = new EnvironmentMasks({ store, clock, book, own, load });
  const onSecrets = masks.remember.bind(masks);
  return { book, masks, secrets, load, environment: new Environment({ book, secrets, load, onSecrets }) };
}
