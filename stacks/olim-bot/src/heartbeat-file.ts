/** Lies on a tmpfs: the root file system is read-only. One for each shard, where several share a machine. */
export function heartbeatFile(env: NodeJS.ProcessEnv): string {
  return env["HEARTBEAT_FILE"] ?? `/tmp/olim-bot-heartbeat-${Number(env["SHARD_ID"] || 0)}.json`;
}
