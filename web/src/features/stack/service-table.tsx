import { useLocation } from "@tanstack/react-router";
import { useEffect } from "react";
import type { ScopeStatusView, ServiceStatusView, StatsView } from "../../../../src/api/contract/models.ts";
import { useApi, useChange } from "../../api/queries.ts";
import { ActionButton } from "../../ui/actions.tsx";
import { ago, bytes } from "../../ui/format.ts";
import { Mark } from "../../ui/mark.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel, Table } from "../../ui/panel.tsx";
import type { Scope } from "../../ui/scope-text.ts";
import { serviceTone } from "../../ui/states.ts";
import { tell, tellFailure } from "../../ui/toasts.tsx";

const order: readonly ServiceStatusView["replicas"][number]["role"][] = ["current", "incoming", "warm"];

/** Each service with its replicas: state, release, share of the traffic, what it uses. */
export function ServiceTable({ scope, status }: { scope: Scope; status: ScopeStatusView }) {
  const stats = useApi("GET /stacks/:stack/:environment/stats", { params: scope, everyMs: 5000 });
  const { hash } = useLocation();
  useEffect(() => {
    if (hash !== "") document.getElementById(hash)?.scrollIntoView({ block: "center" });
  }, [hash]);
  return (
    <Panel title="Services">
      <Table
        label="Services and replicas"
        head={["Service", "State", "Replica", "Release", "Traffic", "CPU", "Memory", "Since", "Restarts", ""]}
      >
        {status.services.map((service) => (
          <ServiceRows
            key={service.name}
            scope={scope}
            service={service}
            stats={stats.data?.replicas ?? []}
          />
        ))}
      </Table>
    </Panel>
  );
}

function ServiceRows({
  scope,
  service,
  stats,
}: {
  scope: Scope;
  service: ServiceStatusView;
  stats: readonly StatsView[];
}) {
  const now = useNow(10_000);
  // What serves stands first, then what comes, then what is kept.
  const sorted = [...service.replicas].sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
  const replicas = sorted.length === 0 ? [undefined] : sorted;
  return replicas.map((replica, index) => {
    const used = stats.find((sample) => sample.replica === replica?.id);
    return (
      <tr key={replica?.id ?? "none"} {...(index === 0 ? { id: `service-${service.name}` } : {})}>
        {index === 0 && (
          <>
            <td rowSpan={replicas.length}>
              <b>{service.name}</b>
              <div className="small quiet">
                {service.kind}, {service.strategy}
              </div>
              {service.urls.map((url) => (
                <div key={url} className="small nowrap">
                  <a href={url} target="_blank" rel="noreferrer">
                    {url}
                  </a>
                </div>
              ))}
            </td>
            <td rowSpan={replicas.length}>
              <Mark tone={serviceTone[service.state]}>{service.state}</Mark>
              {service.message !== undefined && <div className="small quiet">{service.message}</div>}
            </td>
          </>
        )}
        <td>
          {replica ? (
            <Mark tone={replica.ready ? "healthy" : replica.state === "running" ? "warning" : "unknown"}>
              <span className="mono small">{replica.id.split("-").slice(-2).join("-")}</span>
            </Mark>
          ) : (
            <span className="quiet">none</span>
          )}
          {replica?.reason !== undefined && <div className="small quiet">{replica.reason}</div>}
        </td>
        <td className="nowrap">
          {replica?.release === undefined ? "" : `v${replica.release}`}{" "}
          {replica && replica.role !== "current" && <span className="tag">{replica.role}</span>}
        </td>
        <td className="nowrap">
          {replica && service.urls.length > 0 ? `${Math.round(replica.trafficPercent)}%` : ""}
        </td>
        <td className="nowrap">{used ? `${(used.cpu * 100).toFixed(1)}%` : ""}</td>
        <td className="nowrap">
          {used ? bytes(used.memoryBytes) : ""}
          {used?.memoryLimitBytes !== undefined && (
            <span className="quiet"> / {bytes(used.memoryLimitBytes)}</span>
          )}
        </td>
        <td className="nowrap">{replica?.startedAt === undefined ? "" : ago(replica.startedAt, now)}</td>
        <td>{replica?.restarts ?? ""}</td>
        {index === 0 && (
          <td rowSpan={replicas.length} className="nowrap">
            <ServiceActions scope={scope} service={service} />
          </td>
        )}
      </tr>
    );
  });
}

function ServiceActions({ scope, service }: { scope: Scope; service: ServiceStatusView }) {
  const restart = useChange("POST /stacks/:stack/:environment/restart");
  const stop = useChange("POST /stacks/:stack/:environment/stop");
  const start = useChange("POST /stacks/:stack/:environment/start");
  const services = [service.name];
  const told = (text: string) => ({ onSuccess: () => tell("healthy", text), onError: tellFailure });
  if (service.kind === "job") return null;
  return (
    <span className="row">
      {service.state === "stopped" ? (
        <ActionButton
          label="Start"
          title={`Start ${service.name}?`}
          needs="operate"
          onConfirm={(reason) =>
            start.mutate({ params: scope, body: { services, reason } }, told(`Starting ${service.name}`))
          }
        />
      ) : (
        <>
          <ActionButton
            label="Restart"
            title={`Restart ${service.name}?`}
            needs="operate"
            onConfirm={(reason) =>
              restart.mutate(
                { params: scope, body: { services, reason } },
                told(`Restarting ${service.name}`),
              )
            }
          >
            <p>Fresh replicas take over first, where its strategy ({service.strategy}) allows it.</p>
          </ActionButton>
          <ActionButton
            label="Stop"
            title={`Stop ${service.name}?`}
            needs="operate"
            danger
            onConfirm={(reason) =>
              stop.mutate({ params: scope, body: { services, reason } }, told(`Stopping ${service.name}`))
            }
          >
            <p>Its routes answer 503 until it is started again.</p>
          </ActionButton>
        </>
      )}
    </span>
  );
}
