import type { CommandSpec } from "./define-command.ts";

/**
 * All commands, in the order of the help: the way of a stack from first start to its end. Each is loaded only when it
 * is called (or its help is wanted), so that every command starts fast.
 */
export const commandLoaders: Readonly<Record<string, () => Promise<CommandSpec>>> = {
  up: async () => (await import("./commands/up.ts")).upCommand,
  check: async () => (await import("./commands/check.ts")).checkCommand,
  plan: async () => (await import("./commands/plan.ts")).planCommand,
  deploy: async () => (await import("./commands/deploy.ts")).deployCommand,
  build: async () => (await import("./commands/build.ts")).buildCommand,
  push: async () => (await import("./commands/push.ts")).pushCommand,
  pipeline: async () => (await import("./commands/pipeline.ts")).pipelineCommand,
  source: async () => (await import("./commands/source.ts")).sourceCommand,
  preview: async () => (await import("./commands/preview.ts")).previewCommand,
  approve: async () => (await import("./commands/approve.ts")).approveCommand,
  reject: async () => (await import("./commands/reject.ts")).rejectCommand,
  freeze: async () => (await import("./commands/freeze.ts")).freezeCommand,
  scan: async () => (await import("./commands/scan.ts")).scanCommand,
  smoke: async () => (await import("./commands/smoke.ts")).smokeCommand,
  status: async () => (await import("./commands/status.ts")).statusCommand,
  ps: async () => (await import("./commands/ps.ts")).psCommand,
  releases: async () => (await import("./commands/releases.ts")).releasesCommand,
  outdated: async () => (await import("./commands/outdated.ts")).outdatedCommand,
  images: async () => (await import("./commands/images.ts")).imagesCommand,
  rollout: async () => (await import("./commands/rollout.ts")).rolloutCommand,
  rollback: async () => (await import("./commands/rollback.ts")).rollbackCommand,
  promote: async () => (await import("./commands/promote.ts")).promoteCommand,
  abort: async () => (await import("./commands/abort.ts")).abortCommand,
  logs: async () => (await import("./commands/logs.ts")).logsCommand,
  stats: async () => (await import("./commands/stats.ts")).statsCommand,
  health: async () => (await import("./commands/health.ts")).healthCommand,
  alerts: async () => (await import("./commands/alerts.ts")).alertsCommand,
  notify: async () => (await import("./commands/notify.ts")).notifyCommand,
  restart: async () => (await import("./commands/restart.ts")).restartCommand,
  stop: async () => (await import("./commands/stop.ts")).stopCommand,
  start: async () => (await import("./commands/start.ts")).startCommand,
  scale: async () => (await import("./commands/scale.ts")).scaleCommand,
  exec: async () => (await import("./commands/exec.ts")).execCommand,
  env: async () => (await import("./commands/env.ts")).envCommand,
  backup: async () => (await import("./commands/backup.ts")).backupCommand,
  restore: async () => (await import("./commands/restore.ts")).restoreCommand,
  secrets: async () => (await import("./commands/secrets.ts")).secretsCommand,
  recover: async () => (await import("./commands/recover.ts")).recoverCommand,
  incident: async () => (await import("./commands/incident.ts")).incidentCommand,
  drill: async () => (await import("./commands/drill.ts")).drillCommand,
  oncall: async () => (await import("./commands/oncall.ts")).oncallCommand,
  down: async () => (await import("./commands/down.ts")).downCommand,
  "git-credential": async () => (await import("./commands/git-credential.ts")).gitCredentialCommand,
  token: async () => (await import("./commands/token.ts")).tokenCommand,
  user: async () => (await import("./commands/user.ts")).userCommand,
  audit: async () => (await import("./commands/audit.ts")).auditCommand,
  version: async () => (await import("./commands/version.ts")).versionCommand,
};

/** The specs of the named commands, or of all. */
export async function loadCommands(
  names: readonly string[] = Object.keys(commandLoaders),
): Promise<CommandSpec[]> {
  const loaders = names.flatMap((name) => commandLoaders[name] ?? []);
  return await Promise.all(loaders.map((load) => load()));
}
