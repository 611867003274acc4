/** An expected outcome as a value: the core returns these and never throws for bad input. */
export type Result<T, P> = { ok: true; value: T } | { ok: false; problems: readonly P[] };

export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function failed<P>(problems: readonly P[]): { ok: false; problems: readonly P[] } {
  return { ok: false, problems };
}
