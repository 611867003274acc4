import type { ReactNode } from "react";

export type Tone = "healthy" | "warning" | "critical" | "unknown" | "info" | "busy";

/** A shape of its own for each meaning, so that colour is never the only sign. */
const shapes: Record<Tone, ReactNode> = {
  healthy: <circle cx="6" cy="6" r="5" fill="currentColor" />,
  warning: (
    <>
      <circle cx="6" cy="6" r="4.250" fill="none" stroke="currentColor" strokeWidth="1.500" />
      <path d="M6 1.500a4.500 4.500 0 0 1 0 9Z" fill="currentColor" />
    </>
  ),
  critical: (
    <>
      <circle cx="6" cy="6" r="5" fill="currentColor" />
      <path d="m4 4 4 4m0-4L4 8" stroke="var(--paper)" strokeWidth="1.500" strokeLinecap="round" />
    </>
  ),
  unknown: <circle cx="6" cy="6" r="4.250" fill="none" stroke="currentColor" strokeWidth="1.500" />,
  info: (
    <>
      <rect x="1" y="1" width="10" height="10" rx="2" fill="currentColor" />
      <path d="M6 5.500V9M6 3.200v.2" stroke="var(--paper)" strokeWidth="1.500" strokeLinecap="round" />
    </>
  ),
  busy: <circle cx="6" cy="6" r="3" fill="none" stroke="currentColor" strokeWidth="3" />,
};

/** A state as shape and word. Without a word it is decoration beside one. */
export function Mark({ tone, children }: { tone: Tone; children?: ReactNode }) {
  return (
    <span className={`mark ${tone}`}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        {shapes[tone]}
      </svg>
      {children}
    </span>
  );
}

/** Alerts have signs of their own: a triangle warns, a filled one is critical. */
export function AlertMark({ severity }: { severity: "info" | "warning" | "critical" }) {
  if (severity === "info") return <Mark tone="info">INFO</Mark>;
  const critical = severity === "critical";
  return (
    <span className={`mark ${severity}`}>
      <svg width="14" height="12" viewBox="0 0 14 12" aria-hidden="true">
        <path
          d="M7 1 13 11.200H1Z"
          fill={critical ? "currentColor" : "none"}
          stroke="currentColor"
          strokeWidth="1.400"
          strokeLinejoin="round"
        />
        <path
          d="M7 4.600v3M7 9.300v.2"
          stroke={critical ? "var(--paper)" : "currentColor"}
          strokeWidth="1.400"
          strokeLinecap="round"
        />
      </svg>
      {critical ? "CRITICAL" : "WARNING"}
    </span>
  );
}

const legend: readonly [ReactNode, string][] = [
  [<Mark key="a" tone="healthy" />, "healthy, running, success"],
  [<Mark key="b" tone="warning" />, "warning, degraded performance"],
  [<Mark key="c" tone="critical" />, "critical, down, failed"],
  [<Mark key="d" tone="unknown" />, "unknown, not monitored"],
  [<AlertMark key="e" severity="warning" />, "warning alert"],
  [<AlertMark key="f" severity="critical" />, "critical alert"],
  [
    <Mark key="g" tone="info">
      INFO
    </Mark>,
    "informational message",
  ],
];

/** The seven meanings, as every page uses them. */
export function Legend() {
  return (
    <ul className="legend small" aria-label="Legend">
      {legend.map(([sign, meaning]) => (
        <li key={meaning}>
          {sign} <span>{meaning}</span>
        </li>
      ))}
    </ul>
  );
}
