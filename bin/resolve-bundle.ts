import type { EngineParts } from "../src/reconciler/parts.ts";
import { type LoadedStack, loadStack } from "../src/stack/load-stack.ts";
import type { Bundle } from "../src/store/port.ts";

/** A release's texts to its stack: no disk, no environment of this process, so the same release resolves the same for ever. */
export const resolveBundle: EngineParts["resolve"] = (bundle, environment, options) =>
  loadBundle(bundle, environment, options);

/** The same, with all that the loader learned on the way. */
export function loadBundle(
  bundle: Bundle,
  environment: string,
  options?: { accepted: boolean },
): LoadedStack {
  return loadStack({
    composeFiles: bundle.composeFiles,
    projectDirectory: bundle.projectDirectory,
    profiles: bundle.profiles,
    environment: bundle.variables,
    readText: (path) => bundle.texts[path],
    environmentName: environment,
    accepted: options?.accepted ?? false,
    ...(bundle.envFiles === undefined ? {} : { envFiles: bundle.envFiles }),
    ...(bundle.projectName === undefined ? {} : { projectName: bundle.projectName }),
  });
}
