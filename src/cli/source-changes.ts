import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ApiClient } from "../api/contract/client.ts";
import { parseDuration } from "../lib/duration.ts";
import type { Invocation } from "./define-command.ts";
import { usageError } from "./errors.ts";
import type { OptionReader } from "./option-reader.ts";

type Changes = NonNullable<Parameters<ApiClient["delivery"]["saveSource"]>[0]["body"]>;
type Known = Awaited<ReturnType<ApiClient["delivery"]["sources"]>>["sources"][number];
type SecretName = Parameters<ApiClient["forge"]["saveSecret"]>[0]["body"]["name"];

const maxSecretBytes = 20_000;

/** What the options of `roadstead source` change. */
export function sourceChanges(options: OptionReader, known: Known | undefined): Changes {
  const branches = options.list("branch");
  const url = options.text("url");
  const files = options.list("file");
  return {
    ...(branches.length === 0 ? {} : { branches: Object.fromEntries(branches.map(parseBranch)) }),
    ...(files.length === 0 ? {} : { composeFiles: [...files] }),
    ...(url === undefined ? {} : { url }),
    ...statusChanges(options, known),
    ...previewChanges(options, known),
  };
}

/** Stores what lies in the named files or comes on stdin, and answers which credential is used from now on. */
export async function keepSourceSecrets(
  invocation: Invocation,
  client: ApiClient,
  source: string,
): Promise<Changes> {
  const kept = async (option: string, name: SecretName) => {
    const file = invocation.options.text(option);
    if (file === undefined) return false;
    const value = (await readSecretFile(invocation, file)).trimEnd();
    if (value === "") throw usageError(`${file} is empty`);
    await client.forge.saveSecret({ params: { source }, body: { name, value } });
    return true;
  };
  const key = await kept("deployKey", "deploy-key");
  const token = await kept("fetchToken", "fetch-token");
  await kept("statusToken", "status-token");
  if (key) return { credential: { kind: "sshKey", secretName: "deploy-key" } };
  return token ? { credential: { kind: "token", secretName: "fetch-token" } } : {};
}

function statusChanges(options: OptionReader, known: Known | undefined): Changes {
  const wanted = options.text("status");
  const apiUrl = options.text("statusApi");
  if (wanted === undefined && apiUrl === undefined) return {};
  const [, forge, repository] = /^(github|gitea|forgejo):([^:]+)$/.exec(wanted ?? "") ?? [];
  if (wanted !== undefined && (forge === undefined || repository === undefined))
    throw usageError(`${wanted} is not FORGE:OWNER/NAME`, "Write --status github:acme/shop");
  const before = known?.status;
  if (wanted === undefined && before === undefined)
    throw usageError("which repository?", "Write --status gitea:acme/shop as well");
  return {
    status: {
      forge: (forge as "github" | undefined) ?? before?.forge ?? "github",
      repository: repository ?? before?.repository ?? "",
      secretName: "status-token",
      ...withApi(apiUrl ?? (forge === undefined || forge === before?.forge ? before?.apiUrl : undefined)),
    },
  };
}

function withApi(apiUrl: string | undefined): { apiUrl?: string } {
  return apiUrl === undefined ? {} : { apiUrl };
}

function previewChanges(options: OptionReader, known: Known | undefined): Changes {
  const wanted = options.text("previews");
  const [ttl, quota, forks] = [
    options.text("previewTtl"),
    options.text("previewQuota"),
    options.text("previewForks"),
  ];
  if (wanted === "off") return { previews: null };
  if (wanted === undefined && ttl === undefined && quota === undefined && forks === undefined) return {};
  const before = known?.previews;
  if (wanted === undefined && before === undefined)
    throw usageError(`previews of ${known?.name ?? "this source"} are off`, "Add --previews on");
  const seconds = ttl === undefined ? undefined : parseDuration(ttl);
  if (ttl !== undefined && (seconds === undefined || seconds <= 0))
    throw usageError(`--preview-ttl ${ttl} is not a duration`, "Write 72h or 3d");
  const count = quota === undefined ? undefined : Number(quota);
  if (count !== undefined && !(Number.isInteger(count) && count > 0))
    throw usageError(`--preview-quota ${quota} is not a number of previews`);
  return {
    previews: {
      ttlHours: seconds === undefined ? (before?.ttlHours ?? 72) : seconds / 3600,
      quota: count ?? before?.quota ?? 5,
      forks:
        forks === undefined
          ? (before?.forks ?? "refused")
          : forks === "refused"
            ? "refused"
            : "withoutSecrets",
    },
  };
}

async function readSecretFile({ context }: Invocation, file: string): Promise<string> {
  if (file !== "-") {
    const bytes = await readFile(resolve(context.cwd, file)).catch(() => undefined);
    if (bytes === undefined) throw usageError(`${file} can't be read`);
    if (bytes.length > maxSecretBytes) throw usageError(`${file} is too large for a key or token`);
    return bytes.toString("utf8");
  }
  let text = "";
  for await (const piece of context.stdin) {
    text += String(piece);
    if (text.length > maxSecretBytes) throw usageError("what comes on stdin is too large for a key or token");
  }
  return text;
}

function parseBranch(text: string): [string, string] {
  const at = text.lastIndexOf("=");
  if (at <= 0 || at === text.length - 1)
    throw usageError(`${text} names no environment`, "Write --branch main=production");
  return [text.slice(0, at), text.slice(at + 1)];
}
