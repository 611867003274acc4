import { Link } from "@tanstack/react-router";

import type { Scope } from "./scope-text.ts";

/** A link to the stack; its environment stands beside it only where it is not production. */
export function ScopeLink({ scope, row }: { scope: Scope; row?: boolean }) {
  return (
    <Link to="/stacks/$stack/$environment" params={scope} {...(row ? { "data-row": "" } : {})}>
      {scope.stack}
      {scope.environment === "production" ? "" : ` / ${scope.environment}`}
    </Link>
  );
}
