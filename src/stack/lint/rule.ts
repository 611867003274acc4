import type { ComposeModel, ComposeService } from "../compose-model.ts";
import type { DockerfileFacts } from "../dockerfile.ts";
import type { Tell } from "../facts.ts";
import type { Service, Stack, StackFile } from "../stack.ts";

/** What a rule may look at. Rules are pure; what only the outside can know comes in as functions. */
export type LintContext = {
  model: ComposeModel;
  /** Perhaps with errors of its own. */
  stack: Stack;
  /** The Dockerfile of a service that is built from a local folder, where it could be read. */
  dockerfileOf: (service: string) => { path: string; facts: DockerfileFacts } | undefined;
  /** Whether the content of a secret or config is there; `undefined` when nobody here can know. */
  contentState: (file: StackFile) => "present" | "empty" | "missing" | undefined;
  /** TCP ports of the edge's public listeners. */
  edgePorts: readonly number[];
};

/** One rule per file, listed in rules.ts. */
export type LintRule = (context: LintContext, tell: Tell) => void;

/** A service as it will run, with the chosen environment's variables. */
export function composeServices({ stack }: LintContext): [string, ComposeService, Service][] {
  return stack.services.map((service) => [service.name, service.compose, service]);
}
