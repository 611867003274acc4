export type Scope = { stack: string; environment: string };

/** `shop/production`: how a stack and environment stand in addresses and choices. */
export function scopeText({ stack, environment }: Scope): string {
  return `${stack}/${environment}`;
}

export function parseScope(text: string | undefined): Scope | undefined {
  const [stack, environment] = text?.split("/") ?? [];
  return stack && environment ? { stack, environment } : undefined;
}
