import type { OverviewView } from "../../../../src/api/contract/overview.ts";
import { megabytes, segments } from "../../ui/format.ts";
import { Panel } from "../../ui/panel.tsx";

const tenths = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

type Gauge = OverviewView["utilisation"]["cpu"];

/** The host's load in ten segments, and who makes most of it. */
export function UtilisationPanel({ panel: { cpu, memory, disk } }: { panel: OverviewView["utilisation"] }) {
  return (
    <Panel title={<span className="caps">Resource Utilization</span>}>
      <div className="gauges">
        <GaugeOf
          name="CPU Usage (%)"
          value={cpu.percent}
          top={cpu.top}
          show={(value) => `${shown(value)}%`}
        />
        <GaugeOf
          name="Memory Usage (%)"
          value={memory.percent}
          top={memory.top}
          show={(value) => `${shown(value)}%`}
        />
        <GaugeOf
          name="Disk I/O (MB/s)"
          value={disk.bytesPerSecond === undefined ? undefined : disk.bytesPerSecond / 1e6}
          top={disk.top}
          show={(value) => `${megabytes(value)} MB/s`}
        />
      </div>
    </Panel>
  );
}

function GaugeOf({
  name,
  value,
  top,
  show,
}: {
  name: string;
  value: number | undefined;
  top: Gauge["top"];
  show: (value: number) => string;
}) {
  const filled = segments(value ?? 0);
  return (
    <div>
      <div className="quiet">{name}</div>
      <div className="gauge">
        <svg viewBox="0 0 109 10" preserveAspectRatio="none" aria-hidden="true">
          {tenths.map((index) => (
            <rect
              key={index}
              x={index * 11}
              width="10"
              height="10"
              className={index < filled ? "full" : ""}
            />
          ))}
        </svg>
        <b>{value === undefined ? "–" : shown(value)}</b>
      </div>
      <h3>Top Consumers:</h3>
      {top.length === 0 && <p className="quiet">nothing measured yet</p>}
      <ol className="top-list">
        {top.map(({ scope, service, value }, index) => (
          <li key={`${scope.stack}/${scope.environment}/${service}`}>
            <span className="quiet">{index + 1}.</span> {service} <span className="quiet">{scope.stack}</span>
            <span className="num">{show(value)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function shown(value: number): string {
  return value > 0 && value < 10 ? value.toFixed(1) : String(Math.round(value));
}
