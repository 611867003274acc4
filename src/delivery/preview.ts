import type { Scope } from "../rollout/ids.ts";
import type { RunId } from "./run.ts";

/** A whole stack of a pull request or of a branch, with its own network, volumes and host names, for a while. */
export type Preview = {
  source: string;
  /** Also its environment: `pr-7`, or `preview-<branch>`. */
  name: string;
  ref: string;
  commit: string;
  title: string;
  /** The commit is from another repository: no variables, no secrets. */
  fork: boolean;
  openedAt: number;
  expiresAt: number;
  run?: RunId;
  /** Why it goes away. */
  closing?: string;
};

export function previewScope({ source, name }: Pick<Preview, "source" | "name">): Scope {
  return { stack: source, environment: name };
}
