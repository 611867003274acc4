import type { ComposeMount } from "../stack/compose-model.ts";
import { imageFamily } from "../stack/image-family.ts";
import type { Service, Stack } from "../stack/stack.ts";
import { type BackupPriority, type BackupSource, priorities, type SourceKind } from "./backup-source.ts";

/** Something that a service keeps and that no backup holds. */
export type Uncovered = { name: string; why: string; fix: string };

/** What of a stack is copied and what is not: nobody must learn of a gap when it is too late. */
export type Coverage = {
  /** The most important first. */
  sources: readonly BackupSource[];
  uncovered: readonly Uncovered[];
  /** Names under `x-roadstead.backups.sources` that fit nothing. */
  unknown: readonly string[];
};

/** Family of an image -> whose tools copy it consistently. */
const tools: Readonly<Record<string, SourceKind>> = {
  postgres: "postgres",
  mysql: "mysql",
  mariadb: "mysql",
  mongo: "mongodb",
  redis: "redis",
};

/** Of the host itself, or made anew at every start. */
const hostFiles =
  /^\/(proc|sys|dev|run|var\/run|etc\/(localtime|timezone|hosts|ssl)|usr\/share\/zoneinfo)(\/|$)/;
const singleFile = /\.(conf|cnf|json|ya?ml|toml|env|ini|txt|pem|crt|key|sock|sh|sql)$/i;

type Found = { sources: Map<string, BackupSource>; uncovered: Uncovered[] };

export function coverage(stack: Stack): Coverage {
  const found: Found = { sources: new Map(), uncovered: [] };
  const databases = new Map<string, string>();
  for (const service of stack.services) {
    const kind = databaseKind(service);
    if (kind === undefined) continue;
    const source = { name: service.name, kind, services: [service.name] };
    found.sources.set(service.name, withDefaults(source, kind === "redis" ? "low" : "critical"));
    // What lies under a database is not copied a second time, as files of many moments.
    for (const mount of mountsOf(service)) databases.set(mount.source ?? mount.target, service.name);
  }
  for (const service of stack.services)
    for (const mount of mountsOf(service))
      if (!databases.has(mount.source ?? mount.target)) look(service, mount, stack, found);
  return settle(stack, found);
}

/** Kind of the database that an image is known to be. */
export function databaseKind({ compose }: Pick<Service, "compose">): SourceKind | undefined {
  const family = compose.image === undefined ? undefined : imageFamily(compose.image);
  return family && Object.hasOwn(tools, family.name) ? tools[family.name] : undefined;
}

function mountsOf({ compose }: Service): ComposeMount[] {
  return (compose.volumes ?? []).filter(({ type }) => type === "volume" || type === "bind");
}

function look(service: Service, mount: ComposeMount, stack: Stack, found: Found): void {
  if (mount.type === "bind") {
    lookAtBind(service, mount, found);
    return;
  }
  const key = mount.source;
  if (key === undefined) {
    found.uncovered.push({
      name: `${service.name}:${mount.target}`,
      why: "the volume has no name",
      fix: "name it under `volumes`",
    });
    return;
  }
  const known = found.sources.get(key);
  const services = [...new Set([...(known?.services ?? []), service.name])];
  const rank = priorityOf(`${key} ${mount.target}`);
  const source = { name: key, kind: "volume" as const, services, volume: key };
  const database = imageFamily(service.compose.image ?? "")?.database === true;
  if (Object.hasOwn(stack.volumes, key))
    found.sources.set(key, withDefaults(source, database ? "critical" : rank));
}

function lookAtBind(service: Service, mount: ComposeMount, found: Found): void {
  const path = mount.source ?? "";
  const name = `${service.name}.${path.split("/").filter(Boolean).at(-1) ?? "root"}`;
  if (hostFiles.test(path)) return;
  const skip = (why: string, fix: string) => found.uncovered.push({ name: path, why, fix });
  if (path === "/") return void skip("it is the whole host", "mount the folder that is needed");
  if (mount.read_only) return void skip("no service writes it", "keep it in the repository of the stack");
  if (singleFile.test(path)) return void skip("it is a single file", "mount its folder, or a named volume");
  const known = [...found.sources.values()].find((source) => source.path === path);
  const services = [...new Set([...(known?.services ?? []), service.name])];
  const source = { name: known?.name ?? name, kind: "bind" as const, services, path };
  found.sources.set(source.name, withDefaults(source, priorityOf(path)));
}

/** Logs and caches are named as such nearly everywhere. */
function priorityOf(words: string): BackupPriority {
  if (/(^|[/_. -])(cache|tmp|temp)s?($|[/_. -])/i.test(words)) return "low";
  return /(^|[/_. -])logs?($|[/_. -])/i.test(words) ? "medium" : "high";
}

function withDefaults(
  source: Pick<BackupSource, "name" | "kind" | "services" | "volume" | "path">,
  priority: BackupPriority,
): BackupSource {
  return { ...source, priority, checks: [], exclude: [] };
}

/** What the file says on top, and in which order. */
function settle(stack: Stack, found: Found): Coverage {
  const settings = stack.backups?.sources ?? {};
  const sources: BackupSource[] = [];
  const uncovered = [...found.uncovered];
  for (const source of found.sources.values()) {
    const own = Object.hasOwn(settings, source.name) ? settings[source.name] : undefined;
    if (own?.priority === "none") {
      const path = `x-roadstead.backups.sources.${source.name}`;
      uncovered.push({ name: source.name, why: "its priority is none", fix: `change ${path}` });
      continue;
    }
    sources.push({
      ...source,
      ...(own?.sqlite === undefined ? {} : { kind: "sqlite", path: joined(source.path, own.sqlite) }),
      priority: own?.priority ?? source.priority,
      checks: own?.checks ?? [],
      exclude: own?.exclude ?? [],
      ...(own?.before === undefined ? {} : { before: own.before }),
      ...(own?.after === undefined ? {} : { after: own.after }),
    });
  }
  const order = (source: BackupSource) => priorities.indexOf(source.priority);
  return {
    sources: sources.sort((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1)),
    uncovered,
    unknown: Object.keys(settings).filter((name) => !found.sources.has(name)),
  };
}

function joined(folder: string | undefined, path: string): string {
  return folder === undefined ? path : `${folder}/${path}`;
}
