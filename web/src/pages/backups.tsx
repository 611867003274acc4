import { useNavigate, useSearch } from "@tanstack/react-router";
import { useApi } from "../api/queries.ts";
import { Plan } from "../features/backups/plan.tsx";
import { Repositories } from "../features/backups/repositories.tsx";
import { Restores } from "../features/backups/restores.tsx";
import { Snapshots } from "../features/backups/snapshots.tsx";
import { StackTabs } from "../features/stack/tabs.tsx";
import { Choice } from "../ui/field.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Empty } from "../ui/message.tsx";
import { PageHead } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";
import { parseScope, type Scope, scopeText } from "../ui/scope-text.ts";

/** What of a stack is backed up and proven, and the way back. */
export function Backups() {
  const search = useSearch({ from: "/inside/backups" });
  const navigate = useNavigate({ from: "/backups" });
  const stacks = useApi("GET /stacks");
  const scope = parseScope(search.scope) ?? stacks.data?.stacks[0]?.scope;
  return (
    <>
      <PageHead title="Backups" {...(scope ? { crumbs: <ScopeLink scope={scope} /> } : {})}>
        {(stacks.data?.stacks.length ?? 0) > 1 && (
          <Choice
            label="Stack"
            value={scope ? scopeText(scope) : ""}
            onChange={({ target }) => void navigate({ search: { scope: target.value } })}
          >
            {stacks.data?.stacks.map((status) => (
              <option key={scopeText(status.scope)}>{scopeText(status.scope)}</option>
            ))}
          </Choice>
        )}
      </PageHead>
      {scope && <StackTabs scope={scope} />}
      <Loaded query={stacks} waitingFor="the stacks">
        {() =>
          scope ? (
            <OfScope key={scopeText(scope)} scope={scope} />
          ) : (
            <Empty run="./roadstead deploy -f compose.yaml">
              <p>
                Nothing is deployed yet, so there is nothing to keep. In the folder of a Compose file, run:
              </p>
            </Empty>
          )
        }
      </Loaded>
      <Repositories />
    </>
  );
}

function OfScope({ scope }: { scope: Scope }) {
  const plan = useApi("GET /stacks/:stack/:environment/backups/plan", { params: scope, everyMs: 5000 });
  return (
    <>
      <Loaded query={plan} waitingFor="the plan">
        {(data) => <Plan scope={scope} plan={data} />}
      </Loaded>
      <Restores scope={scope} />
      <Snapshots scope={scope} />
    </>
  );
}
