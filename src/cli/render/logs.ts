import type { FaultView } from "../../api/contract/logs.ts";
import { shortReplica } from "../../rollout/step-words.ts";
import type { Style } from "./style.ts";

/** `api b3f20c-1 | text`, in the service's colour; what the replica wrote to stderr is not marked as an error: many log there. */
export function renderLogLine(
  line: { service: string; replica: string; at?: number; text: string },
  nameWidth: number,
  timestamps: boolean,
  style: Style,
): string {
  const who = `${line.service} ${shortReplica(line.replica)}`.padEnd(nameWidth);
  const at = timestamps && line.at !== undefined ? `${style.dim(new Date(line.at).toISOString())} ` : "";
  return `${style.named(line.service)(`${who} |`)} ${at}${line.text}\n`;
}

const shownFaults = 20;

/** Three lists, the new errors first; of each message the count now and before, and a line as it was written. */
export function renderErrors(
  found: {
    appeared: readonly FaultView[];
    stayed: readonly FaultView[];
    vanished: readonly FaultView[];
    cut: boolean;
  },
  style: Style,
): string {
  const lists = [
    [`${found.appeared.length} new`, found.appeared],
    [`${found.stayed.length} in both`, found.stayed],
    [`${found.vanished.length} gone`, found.vanished],
  ] as const;
  const text = lists.flatMap(([title, faults]) => [
    style.bold(title),
    ...faults.slice(0, shownFaults).flatMap(renderFault),
    ...(faults.length > shownFaults ? [`  and ${faults.length - shownFaults} more`] : []),
  ]);
  if (found.cut)
    text.push(style.dim("There are more errors than were compared: the newest 50,000 lines count."));
  return `${text.join("\n")}\n`;

  function renderFault(fault: FaultView): string[] {
    const counts = `${fault.count} ×, before ${fault.before} ×`;
    return [
      `  ${fault.service}: ${fault.message}  ${style.dim(counts)}`,
      style.dim(`    ${fault.example.slice(0, 200)}`),
    ];
  }
}
