import { useNavigate, useSearch } from "@tanstack/react-router";
import { useApi } from "../api/queries.ts";
import { StackTabs } from "../features/stack/tabs.tsx";
import { SetVariable } from "../features/variables/set-variable.tsx";
import { VariableTable } from "../features/variables/variable-table.tsx";
import { Choice } from "../ui/field.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Empty } from "../ui/message.tsx";
import { PageHead } from "../ui/panel.tsx";
import { ScopeLink } from "../ui/scope.tsx";
import { parseScope, type Scope, scopeText } from "../ui/scope-text.ts";

/** What is set for a stack in one environment. A secret can be set and replaced here, never read. */
export function Variables() {
  const search = useSearch({ from: "/inside/variables" });
  const navigate = useNavigate({ from: "/variables" });
  const stacks = useApi("GET /stacks");
  const first = stacks.data?.stacks[0]?.scope;
  const scope = parseScope(search.scope) ?? first;
  return (
    <>
      <PageHead title="Variables and secrets" {...(scope ? { crumbs: <ScopeLink scope={scope} /> } : {})}>
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
                Nothing is deployed yet, so nothing asks for a variable. In the folder of a Compose file, run:
              </p>
            </Empty>
          )
        }
      </Loaded>
    </>
  );
}

function OfScope({ scope }: { scope: Scope }) {
  const query = useApi("GET /stacks/:stack/:environment/variables", { params: scope });
  return (
    <>
      <SetVariable scope={scope} />
      <Loaded query={query} waitingFor="the variables">
        {({ variables }) =>
          variables.length === 0 ? (
            <Empty>
              <p>The Compose file asks for no variable, and none is set.</p>
            </Empty>
          ) : (
            <VariableTable scope={scope} variables={variables} />
          )
        }
      </Loaded>
    </>
  );
}
