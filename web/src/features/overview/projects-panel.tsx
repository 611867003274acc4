import { Link } from "@tanstack/react-router";
import type { OverviewView } from "../../../../src/api/contract/overview.ts";
import { minute, percent } from "../../ui/format.ts";
import { Mark, type Tone } from "../../ui/mark.tsx";
import { Panel, Table } from "../../ui/panel.tsx";
import { ScopeLink } from "../../ui/scope.tsx";
import { scopeText } from "../../ui/scope-text.ts";

type Row = OverviewView["projects"][number];
type Component = NonNullable<Row["web"]>;

/** The one table from a component's or a dependency's state to its sign and word. */
export const upTone: Record<Component["state"], { tone: Tone; word: string }> = {
  up: { tone: "healthy", word: "UP" },
  warn: { tone: "warning", word: "WARN" },
  down: { tone: "critical", word: "DOWN" },
  unknown: { tone: "unknown", word: "UNKNOWN" },
};

export function ProjectsPanel({ projects }: { projects: readonly Row[] }) {
  return (
    <Panel
      title={
        <>
          <span className="caps">Service Status</span> (by Project)
        </>
      }
    >
      <Table
        label="Service status by project"
        head={[
          "Project",
          "Backend",
          "Web",
          "Landing",
          <span key="s" title="Availability over the last 24 hours">
            Status
          </span>,
          "Last Deploy",
        ]}
      >
        {projects.map(({ scope, backend, web, landing, availability, lastDeploy }) => (
          <tr key={scopeText(scope)}>
            <td>
              <ScopeLink scope={scope} row />
            </td>
            <Cell component={backend} />
            <Cell component={web} />
            <Cell component={landing} />
            <td>{availability === undefined ? "–" : percent(availability)}</td>
            <td className="nowrap">
              {lastDeploy ? (
                <Link to="/deployments/$id" params={{ id: lastDeploy.deployment }}>
                  {minute(lastDeploy.at)}
                </Link>
              ) : (
                "–"
              )}
            </td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}

function Cell({ component }: { component: Component | undefined }) {
  if (!component)
    return (
      <td>
        <span aria-hidden="true">-</span>
        <span className="sr">has none</span>
      </td>
    );
  const { tone, word } = upTone[component.state];
  return (
    <td title={[component.services.join(", "), component.message].filter(Boolean).join(": ")}>
      <Mark tone={tone}>{word}</Mark>
    </td>
  );
}
