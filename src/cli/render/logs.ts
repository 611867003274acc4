import type { LogLineView } from "../../api/contract/models.ts";
import { shortReplica } from "../../rollout/step-words.ts";
import type { Style } from "./style.ts";

/** `api b3f20c-1 | text`, in the service's colour; what the replica wrote to stderr is not marked as an error: many log there. */
export function renderLogLine(
  line: LogLineView,
  nameWidth: number,
  timestamps: boolean,
  style: Style,
): string {
  const who = `${line.service} ${shortReplica(line.replica)}`.padEnd(nameWidth);
  const at = timestamps && line.at !== undefined ? `${style.dim(new Date(line.at).toISOString())} ` : "";
  return `${style.named(line.service)(`${who} |`)} ${at}${line.text}\n`;
}
