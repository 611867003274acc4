import { Link } from "@tanstack/react-router";

export type Scope = { stack: string; environment: string };

/** `shop/production`: how a stack and environment stand in addresses and choices. */
export function scopeText({ stack, environment }: Scope): string {
  return `${stack}/${environment}`;
}

export function parseScope(text: string | undefined): Scope | undefined {
  const [stack, environment] = text?.split("/") ?? [];
  return stack && environment ? { stack, environment } : undefined;
}

/** A link to the stack; its environment stands beside it only where it is not production. */
export function ScopeLink({ scope, row }: { scope: Scope; row?: boolean }) {
  return (
    <Link to="/stacks/$stack/$environment" params={scope} {...(row ? { "data-row": "" } : {})}>
      {scope.stack}
      {scope.environment === "production" ? "" : ` / ${scope.environment}`}
    </Link>
  );
}
