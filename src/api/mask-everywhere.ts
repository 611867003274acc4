import { scopeKey } from "../rollout/ids.ts";
import type { ApiParts } from "./parts.ts";

type Parts = Pick<ApiParts, "store" | "variables">;

/**
 * Takes the secrets of every stack out of a text that people wrote (a reason, a label, a name): what is kept of it in
 * the audit trail and shown in lists must not be where a secret ends that somebody pasted in the wrong field.
 */
export function maskEverywhere({ store, variables }: Parts, text: string): string {
  const scopes = [...store.scopes.list().map(({ scope }) => scope), ...variables.book.scopes()];
  const once = new Map(scopes.map((scope) => [scopeKey(scope), scope]));
  return [...once.values()].reduce((masked, scope) => variables.masks.mask(scope, masked), text);
}

/** The same for every text inside a value; keys stay. */
export function maskTexts(parts: Parts, value: unknown): unknown {
  if (typeof value === "string") return maskEverywhere(parts, value);
  if (Array.isArray(value)) return value.map((one) => maskTexts(parts, one));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, maskTexts(parts, one)]));
}
