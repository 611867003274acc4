import { useState } from "react";
import type { ChannelView } from "../../../../src/api/contract/notify.ts";
import { useApi, useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { ago } from "../../ui/format.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Mark } from "../../ui/mark.tsx";
import { Message } from "../../ui/message.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import { tell, tellFailure } from "../../ui/toasts.tsx";
import { useMay } from "../session/gate.tsx";
import { AddChannel } from "./add-channel.tsx";

/** Where people are told, each with a test. */
export function Channels() {
  const query = useApi("GET /notify/channels");
  const [secret, setSecret] = useState<string>();
  return (
    <Panel title="Channels">
      <div className="stack">
        <Loaded query={query} waitingFor="the channels">
          {({ channels }) =>
            channels.length === 0 ? (
              <p className="quiet">There is none yet.</p>
            ) : (
              <Table label="Channels" head={["Name", "To", "Told from", "Last message", ""]}>
                {channels.map((channel) => (
                  <Row key={channel.name} channel={channel} />
                ))}
              </Table>
            )
          }
        </Loaded>
        {secret !== undefined && (
          <Message tone="warning">
            <p>The requests of this webhook are signed with this secret. It is shown this once.</p>
            <p>
              <code className="break">{secret}</code>
            </p>
          </Message>
        )}
        <AddChannel onSecret={setSecret} />
      </div>
    </Panel>
  );
}

function Row({ channel: { name, kind, shown, wish, lastSentAt, lastError } }: { channel: ChannelView }) {
  const test = useChange("POST /notify/channels/:name/test");
  const remove = useChange("DELETE /notify/channels/:name");
  const now = useNow(10_000);
  const may = useMay("operate");
  return (
    <tr>
      <td>
        <b>{name}</b> <span className="quiet">{kind}</span>
      </td>
      <td className="break">{shown}</td>
      <td>
        {wish.severity}
        {wish.stacks && <span className="quiet"> of {wish.stacks.join(", ")}</span>}
      </td>
      <td>
        {lastError ? (
          <Mark tone="critical">{lastError.message}</Mark>
        ) : lastSentAt === undefined ? (
          <Mark tone="unknown">nothing sent yet</Mark>
        ) : (
          <Mark tone="healthy">sent {ago(lastSentAt, now)}</Mark>
        )}
      </td>
      <td>
        <span className="row">
          <button
            type="button"
            className="button"
            disabled={!may || test.isPending}
            onClick={() =>
              test.mutate(
                { params: { name } },
                { onSuccess: () => tell("healthy", `${name} took the message`), onError: tellFailure },
              )
            }
          >
            Test
          </button>
          <ActionButton
            label="Remove"
            title={`Remove ${name}?`}
            needs="operate"
            danger
            onConfirm={() => remove.mutate({ params: { name } }, { onError: tellFailure })}
          />
        </span>
      </td>
    </tr>
  );
}
