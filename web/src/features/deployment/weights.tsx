import type { ScopeStatusView } from "../../../../src/api/contract/models.ts";
import { Panel } from "../../ui/panel.tsx";

type Share = { release: number; percent: number };

/** Which share of each routed service's traffic goes to which release, now. */
export function Weights({ status }: { status: ScopeStatusView }) {
  const routed = status.services.filter(
    ({ urls, replicas }) => urls.length > 0 && replicas.some(({ trafficPercent }) => trafficPercent > 0),
  );
  if (routed.length === 0) return null;
  return (
    <Panel title="Traffic" note="share of new requests by release">
      <ul className="stack tight weights">
        {routed.map((service) => {
          const shares = sharesOf(service.replicas);
          return (
            <li key={service.name}>
              <b>{service.name}</b>
              <div className="bar" aria-hidden="true">
                {shares.map(({ release, percent }) => (
                  <i key={release} style={{ width: `${percent}%` }} />
                ))}
              </div>
              <span className="small">
                {shares.map(({ release, percent }) => `v${release} ${Math.round(percent)}%`).join(", ")}
              </span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

/** Old release first, so that the bar fills from the right. */
function sharesOf(replicas: ScopeStatusView["services"][number]["replicas"]): Share[] {
  const shares = new Map<number, number>();
  for (const { release, trafficPercent } of replicas)
    if (trafficPercent > 0) shares.set(release ?? 0, (shares.get(release ?? 0) ?? 0) + trafficPercent);
  return [...shares]
    .map(([release, percent]) => ({ release, percent }))
    .sort((a, b) => a.release - b.release);
}
