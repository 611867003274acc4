import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  BACKUP_TOOL_MISSING: "Install it on this host, for instance `apt install restic`.",
  BACKUP_REPOSITORY_MISSING: "Say where backups go: `roadstead backup repository add NAME PATH-OR-S3-URL`.",
  BACKUP_REPOSITORY_KEY:
    "The repository was made with another key. Give its own key, or use another folder or bucket.",
  BACKUP_REPOSITORY_UNREACHABLE: "Check address, credentials and network; nothing was changed.",
  BACKUP_REPOSITORY_FULL: "Make room, or lower what is kept: `roadstead backup plan` shows it.",
  BACKUP_REPOSITORY_BUSY: "Another program works on it; wait for it, or see `restic -r LOCATION list locks`.",
  BACKUP_REPOSITORY_DAMAGED:
    "Read the whole repository: `roadstead backup repository check NAME --read-data`.",
  BACKUP_SNAPSHOT_MISSING: "`roadstead backup list` shows what there is.",
  BACKUP_SOURCE_FAILED: "Its own words are above; mend it and run `roadstead backup run`.",
  BACKUP_RESTORE_FAILED: "Nothing that serves was touched. Try the snapshot before: `roadstead backup list`.",
  BACKUP_UNSUPPORTED: "`roadstead backup plan` says what is covered here and what is not.",
} as const;

export type BackupErrorCode = keyof typeof hints;

export function backupError(
  code: BackupErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
