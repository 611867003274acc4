import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { call } from "../api/client.ts";
import { useApi } from "../api/queries.ts";
import { Field } from "../ui/field.tsx";
import { minute } from "../ui/format.ts";
import { Loaded } from "../ui/loaded.tsx";
import { PageHead, Table } from "../ui/panel.tsx";
import { tell, tellFailure } from "../ui/toasts.tsx";

const pageSize = 200;

/** Who changed what, newest first; the chain of hashes can be checked. */
export function Audit() {
  const [before, setBefore] = useState<number>();
  const [text, setText] = useState("");
  const query = useApi("GET /audit", {
    query: { limit: pageSize, ...(before === undefined ? {} : { before }) },
    keep: true,
  });
  const verify = () =>
    call("GET /audit/verify").then(({ ok, firstBroken }) => {
      if (ok) tell("healthy", "The audit trail is whole: no entry was changed or taken out.");
      else tell("critical", `Entry ${firstBroken?.seq} does not fit the chain: somebody changed the trail.`);
    }, tellFailure);
  return (
    <>
      <PageHead title="Audit trail">
        <button type="button" className="button" onClick={() => void verify()}>
          <ShieldCheck size={14} aria-hidden="true" /> Verify the chain
        </button>
      </PageHead>
      <search className="filters">
        <Field
          wide
          type="search"
          label="Filter"
          placeholder="actor, action or target"
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      </search>
      <Loaded query={query} waitingFor="the audit trail">
        {({ entries }) => (
          <>
            <Table label="Audit trail" head={["No.", "Time", "Actor", "Action", "Target", "Detail"]}>
              {entries
                .filter(({ actor, action, target }) =>
                  `${actor} ${action} ${target}`.toLowerCase().includes(text.toLowerCase()),
                )
                .map(({ seq, at, actor, action, target, detail }) => (
                  <tr key={seq}>
                    <td>{seq}</td>
                    <td className="nowrap">{minute(at)}</td>
                    <td>{actor}</td>
                    <td className="nowrap">{action}</td>
                    <td className="break">{target}</td>
                    <td>
                      <Detail detail={detail} />
                    </td>
                  </tr>
                ))}
            </Table>
            <div className="row">
              {before !== undefined && (
                <button type="button" className="button" onClick={() => setBefore(undefined)}>
                  Newest
                </button>
              )}
              {entries.length === pageSize && (
                <button type="button" className="button" onClick={() => setBefore(entries.at(-1)?.seq)}>
                  Older
                </button>
              )}
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

function Detail({ detail }: { detail: Record<string, unknown> }) {
  return (
    <dl className="detail small">
      {Object.entries(detail).map(([key, value]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd className="mono">{typeof value === "string" ? value : JSON.stringify(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
