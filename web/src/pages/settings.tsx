import { useState } from "react";
import { useApi } from "../api/queries.ts";
import { signOut } from "../api/session.ts";
import { Account } from "../features/session/account.tsx";
import { useSession } from "../features/session/gate.tsx";
import { StatusSettings } from "../features/status/status-settings.tsx";
import { Choice } from "../ui/field.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Mark } from "../ui/mark.tsx";
import { PageHead, Panel, Table } from "../ui/panel.tsx";
import { type Theme, useTheme } from "../ui/theme.ts";

/** What this platform is, and how the page looks to whoever is here. */
export function Settings() {
  const health = useApi("GET /health");
  const version = useApi("GET /version");
  const providers = useApi("GET /secrets/providers");
  const [theme, setTheme] = useTheme();
  const session = useSession();
  const [leaving, setLeaving] = useState(false);
  const leave = () => {
    setLeaving(true);
    void signOut(session).finally(() => location.assign("/"));
  };
  return (
    <>
      <PageHead title="Settings">
        <button type="button" className="button" disabled={leaving} onClick={leave}>
          Sign out
        </button>
      </PageHead>
      <div className="split">
        <Panel title="You">
          <div className="stack">
            <p>
              {session.user.name}
              <span className="quiet"> {session.user.email}</span>
              {session.way === "token" && (
                <span className="quiet"> by an API token, kept for this tab only</span>
              )}
            </p>
            <Choice label="Colours" value={theme} onChange={({ target }) => setTheme(target.value as Theme)}>
              <option value="system">as the system</option>
              <option value="light">light</option>
              <option value="dark">dark</option>
            </Choice>
            {session.way === "account" && <Account secondFactor={session.user.secondFactor} />}
          </div>
        </Panel>
        <Panel title="This platform">
          <Loaded query={health} waitingFor="its health">
            {({ version: release, runtime, edge }) => (
              <dl className="facts">
                <div>
                  <dt>Version</dt>
                  <dd>{release}</dd>
                </div>
                <div>
                  <dt>Runtime</dt>
                  <dd>{runtime}</dd>
                </div>
                <div>
                  <dt>Edge</dt>
                  <dd>{edge}</dd>
                </div>
                <div>
                  <dt>Node.js</dt>
                  <dd>{version.data?.node}</dd>
                </div>
              </dl>
            )}
          </Loaded>
        </Panel>
        <Panel title="Where secrets come from">
          <Loaded query={providers} waitingFor="the providers">
            {({ providers }) => (
              <Table label="Providers of secrets" head={["Provider", "State", ""]}>
                {providers.map(({ name, ok, message }) => (
                  <tr key={name}>
                    <td>{name}</td>
                    <td>
                      <Mark tone={ok ? "healthy" : "critical"}>{ok ? "answers" : "does not answer"}</Mark>
                    </td>
                    <td className="quiet">{message}</td>
                  </tr>
                ))}
              </Table>
            )}
          </Loaded>
        </Panel>
        <Panel title="Public status page">
          <StatusSettings />
        </Panel>
      </div>
    </>
  );
}
