import type { OverviewView } from "../../../../src/api/contract/overview.ts";
import { clock, millis, percent } from "../../ui/format.ts";
import { Mark } from "../../ui/mark.tsx";
import { Panel, Table } from "../../ui/panel.tsx";
import { scopeText } from "../../ui/scope-text.ts";
import { upTone } from "./projects-panel.tsx";

/** Outside services that the stacks say they need. */
export function DependenciesPanel({ dependencies }: { dependencies: OverviewView["dependencies"] }) {
  return (
    <Panel title={<span className="caps">External Dependencies</span>}>
      {dependencies.length === 0 ? (
        <p className="quiet">
          No stack names an outside service. Name them under <code>x-roadstead.dependencies</code> of a
          Compose file, and they are probed.
        </p>
      ) : (
        <Table
          label="External dependencies"
          head={["Service", "Status", "Latency", "Success Rate", "Last Check"]}
        >
          {dependencies.map(({ scope, name, state, latencyMs, successShare, checkedAt, message }) => (
            <tr key={`${scopeText(scope)}/${name}`}>
              <td>
                {name} <span className="quiet small">{scope.stack}</span>
              </td>
              <td title={message}>
                <Mark tone={upTone[state].tone}>{upTone[state].word}</Mark>
              </td>
              <td>{latencyMs === undefined ? "–" : millis(latencyMs)}</td>
              <td>{successShare === undefined ? "–" : percent(successShare)}</td>
              <td className="nowrap">{checkedAt === undefined ? "–" : clock(checkedAt)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  );
}
