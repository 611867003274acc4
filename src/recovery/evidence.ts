import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { postMortem } from "../policy/incident-message.ts";
import { scopeKey } from "../rollout/ids.ts";
import { incidentOf, type StepContext, scopeOf, statusOf } from "./step-context.ts";

const maxLines = 50_000;
const maxBytes = 20 * 1024 * 1024;
const maxDeployments = 100;
const maxAudit = 5000;
const maxReplicas = 200;

export type EvidenceBundle = { folder: string; files: number; sha256: string };

/**
 * Logs, state, deployments and audit trail of a stack in one folder with `SHA256SUMS` (`sha256sum -c` checks it),
 * readable by nobody else. Secrets are taken out. Written beside and renamed, so that it is whole or not there.
 */
export async function preserveEvidence(context: StepContext): Promise<EvidenceBundle> {
  const folder = join(context.parts.evidenceFolder, context.id);
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  const sums: string[] = [];
  const keep = async (name: string, text: string) => {
    const masked = context.parts.mask(scopeOf(context), text);
    await writeFile(join(partial, name), masked, { mode: 0o600 });
    sums.push(`${createHash("sha256").update(masked).digest("hex")}  ${name}`);
  };
  for (const [name, text] of Object.entries(await stateOf(context))) await keep(name, text);
  const replicas = await context.parts.runtime.observe(scopeOf(context), context.signal);
  await keep("replicas.json", json(replicas));
  for (const { id } of replicas.slice(0, maxReplicas)) await keep(`${id}.log`, await logOf(context, id));
  const list = `${sums.join("\n")}\n`;
  await writeFile(join(partial, "SHA256SUMS"), list, { mode: 0o600 });
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
  return { folder, files: sums.length, sha256: createHash("sha256").update(list).digest("hex") };
}

/** Files that no longer fit their checksum; empty: all do. */
export async function checkEvidence(folder: string): Promise<string[]> {
  const lines = (await readFile(join(folder, "SHA256SUMS"), "utf8")).trim().split("\n");
  const wrong: string[] = [];
  for (const line of lines) {
    const [sum, name = ""] = line.split("  ");
    const content = await readFile(join(folder, name)).catch(() => undefined);
    if (!content || createHash("sha256").update(content).digest("hex") !== sum) wrong.push(name);
  }
  return wrong;
}

async function stateOf(context: StepContext): Promise<Record<string, string>> {
  const { store } = context.parts;
  const scope = scopeOf(context);
  const key = scopeKey(scope);
  const deployments = store.deployments
    .list(scope, maxDeployments)
    .map(({ request: _texts, ...rest }) => rest);
  const releases = store.releases
    .list(scope, maxDeployments)
    .map(({ id, number, label, createdAt, images, configHash }) => ({
      id,
      number,
      label,
      createdAt,
      configHash,
      images,
    }));
  const audit = store.audit.list(maxAudit).filter(({ target }) => target.startsWith(key));
  return {
    "incident.md": postMortem(incidentOf(context)),
    "status.json": json(await statusOf(context)),
    "scope.json": json(store.scopes.get(scope) ?? null),
    "deployments.json": json(deployments),
    "releases.json": json(releases),
    "audit.json": json({ intact: store.audit.verify() === undefined, entries: audit }),
  };
}

/** The newest lines, within its limits. */
async function logOf({ parts, signal, ...rest }: StepContext, replica: string): Promise<string> {
  const lines: string[] = [];
  let bytes = 0;
  const query = { scope: scopeOf({ parts, signal, ...rest }), replica, tail: maxLines, follow: false };
  for await (const { at, stream, text } of parts.runtime.logs(
    { ...query, replica: replica as Parameters<typeof parts.runtime.stopReplica>[0] },
    signal,
  )) {
    const line = `${at === undefined ? "-" : new Date(at).toISOString()} ${stream} ${text}`;
    bytes += line.length + 1;
    lines.push(line);
    while (bytes > maxBytes) bytes -= (lines.shift()?.length ?? 0) + 1;
  }
  return `${lines.join("\n")}\n`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
