import { Link } from "@tanstack/react-router";
import { Bell, Download, RefreshCw, ScrollText } from "lucide-react";
import { useEffect, useState } from "react";
import type { OverviewView } from "../../../src/api/contract/overview.ts";
import { useApi } from "../api/queries.ts";
import { AlertsPanel } from "../features/overview/alerts-panel.tsx";
import { DatabasesPanel } from "../features/overview/databases-panel.tsx";
import { DependenciesPanel } from "../features/overview/dependencies-panel.tsx";
import { ExportDialog } from "../features/overview/export-dialog.tsx";
import { HealthPanel } from "../features/overview/health-panel.tsx";
import { ProjectsPanel } from "../features/overview/projects-panel.tsx";
import { ResponseTimePanel } from "../features/overview/response-time-panel.tsx";
import { UtilisationPanel } from "../features/overview/utilisation-panel.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Legend } from "../ui/mark.tsx";
import { Empty } from "../ui/message.tsx";

/** The first page: the seven panels of the monitoring board in their order, and its four buttons. */
export function Overview() {
  const query = useApi("GET /overview", { everyMs: 5000 });
  const [exported, setExported] = useState<OverviewView>();
  useEffect(() => {
    document.title = "Overview · Roadstead";
  }, []);
  return (
    <>
      <h1 className="sr">Overview</h1>
      <Loaded query={query} waitingFor="the overview">
        {(board) => (
          <div className="board">
            <HealthPanel board={board} answeredAt={query.dataUpdatedAt} failing={query.isError} />
            {board.projects.length === 0 && (
              <Empty run="./roadstead deploy -f compose.yaml">
                <p>
                  Nothing is deployed yet. The panels fill with your first stack; in the folder of its Compose
                  file, run:
                </p>
              </Empty>
            )}
            <ProjectsPanel projects={board.projects} />
            <ResponseTimePanel panel={board.responseTime} />
            <UtilisationPanel panel={board.utilisation} />
            <AlertsPanel alerts={board.alerts} />
            <DatabasesPanel databases={board.databases} />
            <DependenciesPanel dependencies={board.dependencies} />
          </div>
        )}
      </Loaded>
      <div className="row board-actions">
        <button type="button" className="button" onClick={() => void query.refetch()}>
          <RefreshCw size={14} aria-hidden="true" /> Refresh Dashboard
        </button>
        <button
          type="button"
          className="button"
          disabled={!query.data}
          onClick={() => setExported(query.data)}
        >
          <Download size={14} aria-hidden="true" /> Export Data
        </button>
        <Link to="/alerts" className="button">
          <Bell size={14} aria-hidden="true" /> Configure Alerts
        </Link>
        <Link to="/logs" className="button">
          <ScrollText size={14} aria-hidden="true" /> View Logs
        </Link>
      </div>
      <Legend />
      <ExportDialog board={exported} onClose={() => setExported(undefined)} />
    </>
  );
}
