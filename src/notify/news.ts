import type { NewsKind } from "../policy/alert-routing.ts";
import type { AlertSeverity } from "../policy/alert-rule.ts";
import type { Scope } from "../rollout/ids.ts";

/** Something that people may want to hear, from any part of the platform. */
export type News = {
  kind: NewsKind;
  severity: AlertSeverity;
  scope?: Scope;
  /** `Deployment succeeded`. */
  title: string;
  /** One or two sentences. */
  text: string;
  link?: string;
  at: number;
  /** News with the same key is told once. @default each is new */
  key?: string;
};

/** Tells it to every channel that wants it; returns at once, and what it took is durable. */
export type Notify = (news: News) => void;
