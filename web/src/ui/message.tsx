import type { ReactNode } from "react";
import { Mark, type Tone } from "./mark.tsx";

/** Something said to the operator, with its gravity. */
export function Message({ tone, children, live }: { tone: Tone; children: ReactNode; live?: boolean }) {
  const role = tone === "critical" ? "alert" : "status";
  return (
    <div className={`message ${tone}`} {...(live === false ? {} : { role })}>
      <Mark tone={tone} />
      <div className="stack tight">{children}</div>
    </div>
  );
}

/** Nothing is there yet: says so, and what brings something. */
export function Empty({ children, run }: { children: ReactNode; run?: string }) {
  return (
    <div className="empty">
      {children}
      {run !== undefined && <pre>{run}</pre>}
    </div>
  );
}
