import { useNavigate, useSearch } from "@tanstack/react-router";
import { useApi } from "../api/queries.ts";
import { PageOfStack } from "../features/stack/page-of-stack.tsx";
import { SetVariable } from "../features/variables/set-variable.tsx";
import { VariableTable } from "../features/variables/variable-table.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Empty } from "../ui/message.tsx";
import type { Scope } from "../ui/scope-text.ts";

/** What is set for a stack in one environment. A secret can be set and replaced here, never read. */
export function Variables() {
  const search = useSearch({ from: "/inside/variables" });
  const navigate = useNavigate({ from: "/variables" });
  return (
    <PageOfStack
      title="Variables and secrets"
      chosen={search.scope}
      onChoose={(scope) => void navigate({ search: { scope } })}
      nothingYet="Nothing is deployed yet, so nothing asks for a variable."
    >
      {(scope) => <OfScope scope={scope} />}
    </PageOfStack>
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
