import type { BackupPlanView } from "../../../../src/api/contract/backups.ts";
import { useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { ago, bytes } from "../../ui/format.ts";
import { Mark } from "../../ui/mark.tsx";
import { Message } from "../../ui/message.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import type { Scope } from "../../ui/scope-text.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";
import { Verdict } from "./verdict.tsx";

type Source = BackupPlanView["sources"][number];

/** A run that is due begins within moments; one that is due this long did not. */
const overdueMs = 15 * 60_000;

/** What of the stack is backed up, what is not, and the button that does it now. */
export function Plan({ scope, plan }: { scope: Scope; plan: BackupPlanView }) {
  const run = useChange("POST /stacks/:stack/:environment/backups");
  const { sources, repository, schedule, uncovered } = plan;
  const start = (reason: string, names: string[] = []) =>
    run.mutate(
      { params: scope, body: { sources: names, reason } },
      { onSuccess: () => tell("healthy", "The backup has begun"), onError: tellFailure },
    );
  const note =
    schedule === undefined
      ? "no schedule"
      : `schedule ${schedule.cron} (${schedule.timeZone}), to ${repository ?? "–"}`;
  return (
    <>
      {repository === undefined && (
        <Message tone="warning" live={false}>
          <p>Nothing is backed up: there is no repository to put it in. Add one below, or on the host:</p>
          <pre>./roadstead backup repository add main /srv/backups --default</pre>
        </Message>
      )}
      <Panel title="Covered" note={sources.length > 0 ? note : undefined}>
        {sources.length === 0 ? (
          <p className="quiet">This stack has no database, volume or host folder with data to keep.</p>
        ) : (
          <div className="stack">
            <Table label="Covered" head={["Source", "Last backup", "Last proven", "Next", ""]}>
              {sources.map((source) => (
                <Row key={source.name} source={source} onRun={(reason) => start(reason, [source.name])} />
              ))}
            </Table>
            <div>
              <ActionButton
                label="Back up all now"
                title="Back up every source now?"
                needs="operate"
                main
                disabled={repository === undefined || run.isPending}
                onConfirm={(reason) => start(reason)}
              >
                <p>Services go on; each copy is restored in a throw-away place before it counts.</p>
              </ActionButton>
            </div>
          </div>
        )}
      </Panel>
      {uncovered.length > 0 && (
        <Panel title="Not covered">
          <Table label="Not covered" head={["What", "Why", "What to do"]}>
            {uncovered.map(({ name, why, fix }) => (
              <tr key={name}>
                <td>
                  <b>{name}</b>
                </td>
                <td>{why}</td>
                <td>{fix}</td>
              </tr>
            ))}
          </Table>
        </Panel>
      )}
    </>
  );
}

function Row({ source, onRun }: { source: Source; onRun: (reason: string) => void }) {
  const now = useNow(10_000);
  const { name, kind, priority, path, supported, nextAt, last, lastVerified } = source;
  const overdue = nextAt !== undefined && now - nextAt > overdueMs;
  return (
    <tr>
      <td>
        <b>{name}</b> <span className="quiet">{kind}</span>{" "}
        {priority === "critical" && <span className="tag">critical</span>}
        {path !== undefined && <div className="small quiet mono break">{path}</div>}
      </td>
      <td>
        {!supported ? (
          <Mark tone="critical">cannot be copied: a tool is missing on this host</Mark>
        ) : last === undefined ? (
          <Mark tone="unknown">none yet</Mark>
        ) : (
          <>
            <Verdict backup={last} />
            <div className="small quiet">
              {ago(last.createdAt, now)}
              {last.snapshot && `, ${bytes(last.snapshot.sizeBytes)}`}
            </div>
          </>
        )}
      </td>
      <td>{lastVerified?.snapshot ? ago(lastVerified.snapshot.takenAt, now) : "never"}</td>
      <td className="nowrap">
        {overdue ? (
          <Mark tone="critical">overdue since {ago(nextAt, now).replace(" ago", "")}</Mark>
        ) : nextAt === undefined ? (
          <span className="quiet">only by hand</span>
        ) : (
          ago(nextAt, now)
        )}
      </td>
      <td>
        <ActionButton
          label="Back up now"
          title={`Back up ${name} now?`}
          needs="operate"
          disabled={!supported || last?.state === "queued" || last?.state === "running"}
          onConfirm={onRun}
        />
      </td>
    </tr>
  );
}
