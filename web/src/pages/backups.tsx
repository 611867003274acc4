import { useNavigate, useSearch } from "@tanstack/react-router";
import { useApi } from "../api/queries.ts";
import { Plan } from "../features/backups/plan.tsx";
import { Repositories } from "../features/backups/repositories.tsx";
import { Restores } from "../features/backups/restores.tsx";
import { Snapshots } from "../features/backups/snapshots.tsx";
import { PageOfStack } from "../features/stack/page-of-stack.tsx";
import { Loaded } from "../ui/loaded.tsx";
import type { Scope } from "../ui/scope-text.ts";

/** What of a stack is backed up and proven, and the way back. */
export function Backups() {
  const search = useSearch({ from: "/inside/backups" });
  const navigate = useNavigate({ from: "/backups" });
  return (
    <>
      <PageOfStack
        title="Backups"
        chosen={search.scope}
        onChoose={(scope) => void navigate({ search: { scope } })}
        nothingYet="Nothing is deployed yet, so there is nothing to keep."
      >
        {(scope) => <OfScope scope={scope} />}
      </PageOfStack>
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
