import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  VAULT_BUSY: "One at a time for each source: wait for it, `roadstead backup list` shows it.",
  VAULT_NO_SOURCE: "`roadstead backup plan` lists what this stack has.",
  VAULT_NO_RUN: "`roadstead backup list` shows what there is.",
  VAULT_NOTHING_TO_RESTORE: "`roadstead backup list` shows what there is.",
  VAULT_UNPROVEN: "Nothing that serves was touched. Try an earlier backup or moment.",
  VAULT_SWITCH_FAILED: "What served before serves again; its logs and `roadstead status` say more.",
  VAULT_NO_UNDO: "`roadstead restore list` shows which restores can be taken back or released.",
  VAULT_NO_RELEASE: "Deploy it first: only what runs can be copied.",
  VAULT_NO_REPOSITORY: "Say where backups go: `roadstead backup repository add NAME PATH-OR-S3-URL`.",
  VAULT_REPOSITORY_INVALID:
    "Write an absolute folder or s3:https://host/bucket/path, and a name of small letters.",
  VAULT_REPOSITORY_USED: "Its snapshots are still known here. Say so with --yes once they may be forgotten.",
  VAULT_INTERRUPTED:
    "The control plane ended during it again and again: look at its log, then run it by hand.",
} as const;

export type VaultErrorCode = keyof typeof hints;

export function vaultError(
  code: VaultErrorCode,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): PlatformError {
  return new PlatformError(code, message, { hint: hints[code], ...options });
}
