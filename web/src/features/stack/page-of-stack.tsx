import { Fragment, type ReactNode } from "react";
import { useApi } from "../../api/queries.ts";
import { Choice } from "../../ui/field.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Empty } from "../../ui/message.tsx";
import { PageHead } from "../../ui/panel.tsx";
import { ScopeLink } from "../../ui/scope.tsx";
import { parseScope, type Scope, scopeText } from "../../ui/scope-text.ts";
import { StackTabs } from "./tabs.tsx";

/** A page about one stack at a time: the one of the address, else the first; another can be chosen. */
export function PageOfStack(props: {
  title: string;
  chosen: string | undefined;
  onChoose: (scope: string) => void;
  /** Why the page is empty while nothing is deployed, as a sentence. */
  nothingYet: string;
  children: (scope: Scope) => ReactNode;
}) {
  const stacks = useApi("GET /stacks");
  const all = stacks.data?.stacks ?? [];
  const scope = parseScope(props.chosen) ?? all[0]?.scope;
  return (
    <>
      <PageHead title={props.title} {...(scope ? { crumbs: <ScopeLink scope={scope} /> } : {})}>
        {all.length > 1 && (
          <Choice
            label="Stack"
            value={scope ? scopeText(scope) : ""}
            onChange={({ target }) => props.onChoose(target.value)}
          >
            {all.map((status) => (
              <option key={scopeText(status.scope)}>{scopeText(status.scope)}</option>
            ))}
          </Choice>
        )}
      </PageHead>
      {scope && <StackTabs scope={scope} />}
      <Loaded query={stacks} waitingFor="the stacks">
        {() =>
          scope ? (
            <Fragment key={scopeText(scope)}>{props.children(scope)}</Fragment>
          ) : (
            <Empty run="./roadstead deploy -f compose.yaml">
              <p>{props.nothingYet} In the folder of a Compose file, run:</p>
            </Empty>
          )
        }
      </Loaded>
    </>
  );
}
