import { Link } from "@tanstack/react-router";
import { type Scope, scopeText } from "../../ui/scope-text.ts";

/** What belongs to one stack. */
export function StackTabs({ scope }: { scope: Scope }) {
  return (
    <nav className="tabs" aria-label={`Pages of ${scope.stack}`}>
      <Link
        to="/stacks/$stack/$environment"
        params={scope}
        activeOptions={{ exact: true, includeHash: false }}
      >
        Services
      </Link>
      <Link to="/stacks/$stack/$environment/releases" params={scope}>
        Releases
      </Link>
      <Link to="/deployments" search={{ scope: scopeText(scope) }} activeOptions={{ includeSearch: false }}>
        Deployments
      </Link>
      <Link to="/variables" search={{ scope: scopeText(scope) }} activeOptions={{ includeSearch: false }}>
        Variables and secrets
      </Link>
      <Link to="/backups" search={{ scope: scopeText(scope) }} activeOptions={{ includeSearch: false }}>
        Backups
      </Link>
      <Link to="/logs" search={{ scope: scopeText(scope) }} activeOptions={{ includeSearch: false }}>
        Logs
      </Link>
    </nav>
  );
}
