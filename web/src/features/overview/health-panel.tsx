import type { ReactNode } from "react";
import type { OverviewView } from "../../../../src/api/contract/overview.ts";
import { clock, millis, percent, rate } from "../../ui/format.ts";
import { AlertMark, Mark } from "../../ui/mark.tsx";
import { useNow } from "../../ui/now.ts";
import { Panel } from "../../ui/panel.tsx";
import { ScopeLink } from "../../ui/scope.tsx";

/** Older than three looks of the page, or three of the collector: what stands here is no longer the present. */
const staleMs = 30_000;

type Tile = OverviewView["health"]["requestRate"];

export function HealthPanel({
  board,
  answeredAt,
  failing,
}: {
  board: OverviewView;
  answeredAt: number;
  failing: boolean;
}) {
  const { services, requestRate, errorRate, latency, warnings } = board.health;
  return (
    <Panel
      title={<span className="caps">System Health Overview</span>}
      note={<LastUpdate board={board} answeredAt={answeredAt} failing={failing} />}
    >
      <ul className="tiles">
        <TileOf name="Services" tile={services}>
          {services.healthy} / {services.total}
        </TileOf>
        <TileOf name="Request Rate" tile={requestRate}>
          {requestRate.perSecond === undefined ? "–" : rate(requestRate.perSecond)}
        </TileOf>
        <TileOf name="Error Rate" tile={errorRate}>
          {errorRate.share === undefined ? "–" : percent(errorRate.share)}
        </TileOf>
        <TileOf name="Avg Latency" tile={latency}>
          {latency.meanMs === undefined ? "–" : millis(latency.meanMs)}
        </TileOf>
      </ul>
      {warnings[0] && (
        <p className="row warning-line">
          <AlertMark severity="warning" />
          <span>
            {warnings.length} Service {warnings.length === 1 ? "Warning" : "Warnings"}: {warnings[0].service}{" "}
            ({warnings[0].text}) in <ScopeLink scope={warnings[0].scope} />
          </span>
        </p>
      )}
    </Panel>
  );
}

function TileOf({ name, tile, children }: { name: string; tile: Tile; children: ReactNode }) {
  return (
    <li className="tile">
      <span className="quiet">{name}</span>
      <b>{children}</b>
      <Mark tone={tile.state}>{tile.word}</Mark>
    </li>
  );
}

/** Moves with each answer; says so, and not by colour alone, when no new data arrive. */
function LastUpdate({
  board,
  answeredAt,
  failing,
}: {
  board: OverviewView;
  answeredAt: number;
  failing: boolean;
}) {
  const now = useNow();
  // The collector's clock is the host's, the page's another one: each age is taken on one clock.
  const collectorAge = board.measuredAt === undefined ? 0 : board.at - board.measuredAt;
  const stale = failing || now - answeredAt > staleMs || collectorAge > staleMs;
  const at = board.measuredAt ?? board.at;
  return (
    <span className={stale ? "tone-warning" : undefined}>
      Last Update:{" "}
      <time dateTime={new Date(at).toISOString()}>{clock(collectorAge > staleMs ? at : board.at)}</time>
      {stale && <b> (stale: no new data)</b>}
    </span>
  );
}
