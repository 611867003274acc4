import { Link } from "@tanstack/react-router";
import { Globe } from "lucide-react";
import { useMemo } from "react";
import type { ServiceStatusView } from "../../../../src/api/contract/models.ts";
import type { TopologyView } from "../../../../src/api/contract/pages.ts";
import { Mark } from "../../ui/mark.tsx";
import { serviceTone } from "../../ui/states.ts";
import { nodeSize, placeTopology, visitors } from "./layout.ts";

/** The stack as its Compose file says it, coloured by what its services are doing now. */
export function Topology({
  topology,
  statuses,
}: {
  topology: TopologyView;
  statuses: readonly ServiceStatusView[];
}) {
  const placed = useMemo(() => placeTopology(topology.services), [topology]);
  const outside = placed.nodes.get(visitors);
  return (
    <div className="topology">
      <div style={{ width: placed.width, height: placed.height }}>
        <svg width={placed.width} height={placed.height} aria-hidden="true">
          <defs>
            <marker
              id="arrow"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="7"
              markerHeight="7"
              orient="auto"
            >
              <path d="M1 1 7 4 1 7" fill="none" stroke="currentColor" strokeWidth="1.400" />
            </marker>
          </defs>
          {placed.edges.map(({ from, to, kind, path }) => (
            <path key={`${from} ${to}`} d={path} className={kind} markerEnd="url(#arrow)" />
          ))}
        </svg>
        {outside && (
          <span className="visitors small" style={{ left: outside.x, top: outside.y }}>
            <Globe size={16} aria-hidden="true" /> visitors
          </span>
        )}
        <ul aria-label="Services and what they depend on">
          {topology.services.map((service) => {
            const at = placed.nodes.get(service.name) ?? { x: 0, y: 0 };
            return (
              <li key={service.name} style={{ left: at.x, top: at.y, ...nodeSize }}>
                <Node
                  service={service}
                  status={statuses.find(({ name }) => name === service.name)}
                  scope={topology.scope}
                />
              </li>
            );
          })}
        </ul>
      </div>
    </div>
  );
}

function Node({
  service,
  status,
  scope,
}: {
  service: TopologyView["services"][number];
  status: ServiceStatusView | undefined;
  scope: TopologyView["scope"];
}) {
  const tone = status ? serviceTone[status.state] : "unknown";
  const ready = status?.replicas.filter((replica) => replica.ready && replica.role === "current").length ?? 0;
  const needs = [...new Set([...service.calls, ...service.waitsFor])];
  return (
    <Link
      to="/stacks/$stack/$environment"
      params={scope}
      hash={`service-${service.name}`}
      className={`node ${tone} ${service.kind}`}
    >
      <span className="row apart">
        <b>{service.name}</b>
        <span className="small quiet">{service.kind}</span>
      </span>
      <Mark tone={tone}>
        {status?.state ?? "unknown"}
        {status && status.wanted > 0 && service.kind !== "static" ? ` ${ready}/${status.wanted}` : ""}
      </Mark>
      <span className="small quiet detail">
        {service.routes[0] ?? service.volumes[0] ?? service.image ?? ""}
      </span>
      {needs.length > 0 && <span className="sr">depends on {needs.join(", ")}</span>}
    </Link>
  );
}
