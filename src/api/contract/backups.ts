import { z } from "zod";
import { count, endpoint, list, name, scopeParams } from "./endpoint.ts";

const priority = z.enum(["critical", "high", "medium", "low"]);
const kind = z.enum(["postgres", "mysql", "mongodb", "redis", "sqlite", "volume", "bind", "platform"]);

const manifest = z.object({
  engine: z.string(),
  takenAt: z.number(),
  sizeBytes: z.number(),
  schema: z.string().exactOptional(),
  parts: list(z.object({ name: z.string(), rows: z.number(), checksum: z.string().exactOptional() })),
});

const runView = z
  .object({
    id: z.string(),
    scope: scopeParams,
    source: z.string(),
    kind,
    priority,
    repository: z.string(),
    /** `done` says nothing about the snapshot: that is what the verdict is for. */
    state: z.enum(["queued", "running", "done", "failed"]),
    phase: z.enum(["dump", "verify", "retention"]),
    attempt: z.number().int(),
    requestedBy: z.string(),
    reason: z.string(),
    createdAt: z.number(),
    startedAt: z.number().exactOptional(),
    finishedAt: z.number().exactOptional(),
    dumpMs: z.number().exactOptional(),
    verifyMs: z.number().exactOptional(),
    snapshot: z
      .object({
        id: z.string(),
        takenAt: z.number(),
        sizeBytes: z.number(),
        addedBytes: z.number().exactOptional(),
        sha256: z.string(),
      })
      .exactOptional(),
    manifest: manifest.exactOptional(),
    verdict: z.enum(["verified", "suspect", "failed", "unverified"]).exactOptional(),
    reasons: list(z.string()).exactOptional(),
    checks: list(z.object({ check: z.string(), ok: z.boolean(), detail: z.string() })).exactOptional(),
    verifiedAt: z.number().exactOptional(),
    pinned: z.string().exactOptional(),
    forgottenAt: z.number().exactOptional(),
    failure: z
      .object({ code: z.string(), message: z.string(), hint: z.string().exactOptional() })
      .exactOptional(),
    warning: z.string().exactOptional(),
  })
  .meta({ id: "Backup" });
export type BackupView = z.output<typeof runView>;

const planView = z
  .object({
    scope: scopeParams,
    schedule: z.object({ cron: z.string(), timeZone: z.string() }).exactOptional(),
    /** Absent: there is none, and nothing is backed up. */
    repository: z.string().exactOptional(),
    sources: list(
      z.object({
        name: z.string(),
        kind,
        priority,
        services: list(z.string()),
        path: z.string().exactOptional(),
        /** False: this installation lacks what it takes. */
        supported: z.boolean(),
        nextAt: z.number().exactOptional(),
        last: runView.exactOptional(),
        lastVerified: runView.exactOptional(),
      }),
    ),
    uncovered: list(z.object({ name: z.string(), why: z.string(), fix: z.string() })),
  })
  .meta({ id: "BackupPlan" });
export type BackupPlanView = z.output<typeof planView>;

const repositoryView = z
  .object({ name: z.string(), location: z.string(), isDefault: z.boolean(), createdAt: z.number() })
  .meta({ id: "BackupRepository" });
export type BackupRepositoryView = z.output<typeof repositoryView>;

const runs = z.object({ backups: list(runView) });
const byId = z.object({ id: z.string().min(1).max(100) });
const byName = z.object({ name });
const ofRun = { params: byId, on: "anywhere" } as const;

const contentItem = z.union([
  z.object({ bytes: z.base64() }),
  /** The last one: without it the content is not whole. */
  z.object({ end: z.object({ sizeBytes: z.number(), sha256: z.string() }) }),
]);

export const backupEndpoints = {
  plan: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/backups/plan",
    needs: "read",
    summary: "What of a stack is backed up, when and where to, and what is not and why.",
    params: scopeParams,
    response: planView,
  }),
  list: endpoint({
    method: "GET",
    path: "/stacks/:stack/:environment/backups",
    needs: "read",
    summary: "Backups of a stack, newest first, with their verdicts.",
    params: scopeParams,
    query: z.object({
      source: z.string().exactOptional(),
      limit: count({ min: 1, max: 1000 }).default(100),
    }),
    response: runs,
  }),
  run: endpoint({
    method: "POST",
    path: "/stacks/:stack/:environment/backups",
    needs: "operate",
    summary: "Backs up these sources now, or all; refuses one that is under way.",
    params: scopeParams,
    body: z
      .object({ sources: list(z.string()).default([]), reason: z.string().max(1000).default("") })
      .default({ sources: [], reason: "" }),
    status: 202,
    response: runs,
  }),
  show: endpoint({
    ...ofRun,
    method: "GET",
    path: "/backups/:id",
    needs: "read",
    summary: "One backup: its phases, what it holds, and the verdict.",
    response: runView,
  }),
  verify: endpoint({
    ...ofRun,
    method: "POST",
    path: "/backups/:id/verify",
    needs: "operate",
    summary: "Reads a snapshot back and restores it into a throw-away place once more.",
    status: 202,
    response: runView,
  }),
  pin: endpoint({
    ...ofRun,
    method: "POST",
    path: "/backups/:id/pin",
    needs: "operate",
    summary: "Keeps a snapshot beyond its retention, or with no reason given releases it.",
    body: z.object({ pinned: z.string().min(1).max(200).exactOptional() }),
    response: runView,
  }),
  content: endpoint({
    ...ofRun,
    method: "GET",
    path: "/backups/:id/content",
    needs: "operate",
    summary: "A snapshot in the plain format of its kind, in pieces; the last item has size and digest.",
    stream: "ndjson",
    response: contentItem,
  }),
  repositories: endpoint({
    method: "GET",
    path: "/backup-repositories",
    needs: "read",
    summary: "Where backups go. Never a key or a credential.",
    response: z.object({ repositories: list(repositoryView) }),
  }),
  addRepository: endpoint({
    method: "POST",
    path: "/backup-repositories",
    needs: "administer",
    summary: "Opens a repository, or makes it; a key that was made for it is answered this once.",
    body: z.object({
      name,
      location: z.string().min(1).max(1000),
      key: z.string().min(8).max(1000).exactOptional(),
      credentials: z.record(z.string(), z.string().max(1000)).default({}),
      isDefault: z.boolean().exactOptional(),
    }),
    status: 201,
    response: z.object({ repository: repositoryView, key: z.string().exactOptional() }),
  }),
  removeRepository: endpoint({
    method: "DELETE",
    path: "/backup-repositories/:name",
    needs: "administer",
    summary: "Forgets a repository; what lies there stays there.",
    params: byName,
    response: repositoryView,
  }),
  repositoryKey: endpoint({
    method: "POST",
    path: "/backup-repositories/:name/key",
    needs: "administer",
    summary: "The key of a repository, to be kept elsewhere: without it nothing can be read.",
    params: byName,
    response: z.object({ key: z.string() }),
  }),
  checkRepository: endpoint({
    method: "POST",
    path: "/backup-repositories/:name/check",
    needs: "operate",
    summary: "Looks through a repository, every byte of it with `readData`; answers what is wrong.",
    params: byName,
    body: z.object({ readData: z.boolean().default(false) }).default({ readData: false }),
    stream: "ndjson",
    response: z.object({ problems: list(z.string()), sizeBytes: z.number() }),
  }),
};
