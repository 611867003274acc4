import type { BackupView } from "../../../../src/api/contract/backups.ts";
import { Mark, type Tone } from "../../ui/mark.tsx";

const verdicts: Record<NonNullable<BackupView["verdict"]>, Tone> = {
  verified: "healthy",
  suspect: "warning",
  failed: "critical",
  unverified: "unknown",
};
const phases: Record<BackupView["phase"], string> = {
  dump: "being copied",
  verify: "being proven",
  retention: "tidying up",
};

/** What a backup is worth, with the reasons; while it runs, how far it is. */
export function Verdict({ backup }: { backup: BackupView }) {
  const { state, phase, verdict, reasons = [], failure, warning } = backup;
  if (state === "queued") return <Mark tone="unknown">queued</Mark>;
  if (state === "running") return <Mark tone="busy">{phases[phase]}</Mark>;
  const word = verdict ?? (state === "failed" ? "failed" : "unverified");
  return (
    <>
      <Mark tone={verdicts[word]}>{word}</Mark>
      {reasons.map((reason) => (
        <div key={reason} className="small">
          {reason}
        </div>
      ))}
      {failure && <div className="small">{failure.message}</div>}
      {failure?.hint !== undefined && <div className="small quiet">{failure.hint}</div>}
      {warning !== undefined && <div className="small quiet">{warning}</div>}
    </>
  );
}
