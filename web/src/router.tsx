import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  Link,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { Gate } from "./features/session/gate.tsx";
import { Overview } from "./pages/overview.tsx";
import { Message } from "./ui/message.tsx";
import { Shell } from "./ui/shell.tsx";

/** Every page and its address. All but the first one are fetched when they are opened. */

const root = createRootRoute({ notFoundComponent: NotFound, errorComponent: Broken });

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: () => (
    <Gate>
      <Shell />
    </Gate>
  ),
  notFoundComponent: NotFound,
});

const overview = createRoute({ getParentRoute: () => inside, path: "/", component: Overview });

const stacks = createRoute({
  getParentRoute: () => inside,
  path: "/stacks",
  component: lazyRouteComponent(() => import("./pages/stacks.tsx"), "Stacks"),
});
const stack = createRoute({
  getParentRoute: () => inside,
  path: "/stacks/$stack/$environment",
  component: lazyRouteComponent(() => import("./pages/stack.tsx"), "StackPage"),
});
const releases = createRoute({
  getParentRoute: () => inside,
  path: "/stacks/$stack/$environment/releases",
  validateSearch: (search: Record<string, unknown>): { of?: string; from?: string } =>
    texts(search, ["of", "from"]),
  component: lazyRouteComponent(() => import("./pages/releases.tsx"), "Releases"),
});
const deployments = createRoute({
  getParentRoute: () => inside,
  path: "/deployments",
  validateSearch: (search: Record<string, unknown>): { scope?: string } => texts(search, ["scope"]),
  component: lazyRouteComponent(() => import("./pages/deployments.tsx"), "Deployments"),
});
const deployment = createRoute({
  getParentRoute: () => inside,
  path: "/deployments/$id",
  component: lazyRouteComponent(() => import("./pages/deployment.tsx"), "DeploymentPage"),
});
const logs = createRoute({
  getParentRoute: () => inside,
  path: "/logs",
  validateSearch: (
    search: Record<string, unknown>,
  ): { scope?: string; service?: string; stream?: string; level?: string; text?: string; minutes?: string } =>
    texts(search, ["scope", "service", "stream", "level", "text", "minutes"]),
  component: lazyRouteComponent(() => import("./pages/logs.tsx"), "Logs"),
});
const runs = createRoute({
  getParentRoute: () => inside,
  path: "/runs",
  component: lazyRouteComponent(() => import("./pages/runs.tsx"), "Runs"),
});
const run = createRoute({
  getParentRoute: () => inside,
  path: "/runs/$id",
  component: lazyRouteComponent(() => import("./pages/run.tsx"), "RunPage"),
});
const variables = createRoute({
  getParentRoute: () => inside,
  path: "/variables",
  validateSearch: (search: Record<string, unknown>): { scope?: string } => texts(search, ["scope"]),
  component: lazyRouteComponent(() => import("./pages/variables.tsx"), "Variables"),
});
const backups = createRoute({
  getParentRoute: () => inside,
  path: "/backups",
  validateSearch: (search: Record<string, unknown>): { scope?: string } => texts(search, ["scope"]),
  component: lazyRouteComponent(() => import("./pages/backups.tsx"), "Backups"),
});
const slowQueries = createRoute({
  getParentRoute: () => inside,
  path: "/slow-queries",
  component: lazyRouteComponent(() => import("./pages/slow-queries.tsx"), "SlowQueries"),
});
const incidents = createRoute({
  getParentRoute: () => inside,
  path: "/incidents",
  component: lazyRouteComponent(() => import("./pages/incidents.tsx"), "Incidents"),
});
const incident = createRoute({
  getParentRoute: () => inside,
  path: "/incidents/$id",
  component: lazyRouteComponent(() => import("./pages/incident.tsx"), "IncidentPage"),
});
const alerts = createRoute({
  getParentRoute: () => inside,
  path: "/alerts",
  component: lazyRouteComponent(() => import("./pages/alerts.tsx"), "Alerts"),
});
const access = createRoute({
  getParentRoute: () => inside,
  path: "/access",
  component: lazyRouteComponent(() => import("./pages/access.tsx"), "Access"),
});
const audit = createRoute({
  getParentRoute: () => inside,
  path: "/audit",
  component: lazyRouteComponent(() => import("./pages/audit.tsx"), "Audit"),
});
const settings = createRoute({
  getParentRoute: () => inside,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings.tsx"), "Settings"),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invitation",
  component: lazyRouteComponent(() => import("./pages/invitation.tsx"), "Invitation"),
});
const status = createRoute({
  getParentRoute: () => root,
  path: "/status",
  component: lazyRouteComponent(() => import("./pages/status.tsx"), "StatusPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    invitation,
    status,
    inside.addChildren([
      overview,
      stacks,
      stack,
      releases,
      deployments,
      deployment,
      logs,
      runs,
      run,
      variables,
      backups,
      slowQueries,
      incidents,
      incident,
      alerts,
      access,
      audit,
      settings,
    ]),
  ]),
  defaultPreload: "intent",
  // A page's code is here within that time on a good line: nothing flashes before.
  defaultPendingMs: 200,
  defaultErrorComponent: Broken,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

function texts<const K extends string>(
  search: Record<string, unknown>,
  keys: readonly K[],
): { [P in K]?: string } {
  const found: { [P in K]?: string } = {};
  for (const key of keys) {
    const value = search[key];
    if (typeof value === "string" || typeof value === "number") found[key] = String(value);
  }
  return found;
}

function NotFound() {
  return (
    <main className="alone">
      <h1>There is no such page</h1>
      <p>
        <Link to="/">To the overview</Link>
      </p>
    </main>
  );
}

function Broken({ error }: ErrorComponentProps) {
  return (
    <Message tone="critical">
      <p>This page failed: {error instanceof Error ? error.message : String(error)}</p>
      <p>
        Load it again. If it stays so after an update of Roadstead, build the dashboard anew: sh
        scripts/setup.sh.
      </p>
    </Message>
  );
}
