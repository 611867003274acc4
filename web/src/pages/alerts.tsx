import { useApi } from "../api/queries.ts";
import { ActiveAlerts } from "../features/alerts/active.tsx";
import { Channels } from "../features/alerts/channels.tsx";
import { History } from "../features/alerts/history.tsx";
import { Rules } from "../features/alerts/rules.tsx";
import { Silences } from "../features/alerts/silences.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Message } from "../ui/message.tsx";
import { PageHead } from "../ui/panel.tsx";

/** What is wrong now, what was, who is told, and by which rules. */
export function Alerts() {
  const query = useApi("GET /alerts", { everyMs: 5000 });
  return (
    <>
      <PageHead title="Alerts" />
      <Loaded query={query} waitingFor="the alerts">
        {({ alerts, silences, channels }) => (
          <>
            {channels === 0 && (
              <Message tone="warning" live={false}>
                <p>Nobody would be told: there is no channel yet. Add one below.</p>
              </Message>
            )}
            <ActiveAlerts alerts={alerts} />
            <Silences silences={silences} />
          </>
        )}
      </Loaded>
      <Channels />
      <Rules />
      <History />
    </>
  );
}
