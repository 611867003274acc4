import type { ApiClient } from "../../api/contract/client.ts";
import { parseDuration } from "../../lib/duration.ts";
import { hasCode } from "../../lib/platform-error.ts";
import type { Scope } from "../../rollout/ids.ts";
import { assertServices, chooseScope, paramsOf, stackOption } from "../choose-scope.ts";
import { connect } from "../connect.ts";
import type { CommandSpec, Invocation } from "../define-command.ts";
import { usageError } from "../errors.ts";
import type { ExitCode } from "../exit-code.ts";
import { renderErrors, renderLogLine } from "../render/logs.ts";
import { outStyle, printJson } from "../terminal.ts";

export const logsCommand: CommandSpec = {
  name: "logs",
  summary: "Print what the replicas wrote, those that are gone too",
  description:
    "Lines of all replicas of the services, each service in its colour, with the edge's access log where a filter asks " +
    "for it (--stream access). Ctrl-C ends following at once.",
  arguments: [{ name: "[services...]", description: "services (default: all of the stack)" }],
  options: [
    stackOption,
    { flags: "-f, --follow", description: "go on with new lines" },
    { flags: "-n, --tail <lines>", description: "last lines to begin with, or all (default: 100)" },
    { flags: "--since <when>", description: "duration (10m) or ISO time" },
    { flags: "--until <when>", description: "duration (10m) or ISO time" },
    { flags: "--service <service>", description: "as an option instead of a word", repeatable: true },
    { flags: "-g, --grep <text>", description: "lines with this text; a capital in it makes case count" },
    {
      flags: "-l, --level <level>",
      description: "this bad or worse: fatal, error, warn, info, debug, trace",
    },
    { flags: "--release <release>", description: "of this release: v3, an id or a label" },
    { flags: "--request <id>", description: "about one request, by its X-Request-Id" },
    { flags: "--stream <streams>", description: "stdout, stderr, access or platform; several by commas" },
    { flags: "-a, --all", description: "of all stacks" },
    {
      flags: "--errors-against <release>",
      description: "compare errors with another release's: what appeared, stayed, vanished",
    },
    { flags: "-t, --timestamps", description: "with the time of each line" },
  ],
  examples: [
    {
      command: "roadstead logs --tail 100 -f api",
      meaning: "the last 100 lines of a service, then new ones",
    },
    { command: "roadstead logs --since 10m", meaning: "ten minutes of the whole stack" },
    {
      command: "roadstead logs --all --since 10m --request 65f1c2-77",
      meaning: "one request's way through everything",
    },
    { command: "roadstead logs --release v7 --errors-against v6", meaning: "which errors are new" },
    { command: "roadstead logs --json api | jq .text", meaning: "one JSON document a line" },
  ],
  json: "stream",
  exits: [1, 3],
  run: logs,
};

const levels = ["fatal", "error", "warn", "info", "debug", "trace"] as const;
const streams = ["stdout", "stderr", "access", "platform"] as const;
const printed = streams.filter((name) => name !== "access");
/** Lines of one answer when all are wanted. */
const pageLines = 2000;

type Shown = Parameters<typeof renderLogLine>[0];

async function logs(invocation: Invocation): Promise<ExitCode> {
  const { context, options, json } = invocation;
  const words = [...invocation.words, ...options.list("service")];
  const tail = parseTail(options.text("tail"));
  const filter = filterOf(invocation);
  const client = await connect(invocation);
  const status = options.flag("all") ? undefined : await chooseScope(invocation, client);
  if (status && !hasFilter(filter)) assertServices(status, words);
  if (options.text("errorsAgainst") !== undefined)
    return await errorsAgainst(
      { ...invocation, words },
      client,
      status?.scope,
      options.text("errorsAgainst") ?? "",
    );
  const scope = status && `${status.scope.stack}/${status.scope.environment}`;
  const query = {
    // Requests would hide what the services say; they are shown when asked for.
    ...(filter.request === undefined ? { stream: printed } : {}),
    ...filter,
    ...(scope === undefined ? {} : { scope: [scope] }),
    ...(words.length === 0 ? {} : { service: [...words] }),
  };
  const isKept =
    status === undefined || hasFilter(filter) || (await keepsLines(client, query, context.signal));
  const lines = isKept
    ? keptLines(client, query, { tail, follow: options.flag("follow"), signal: context.signal })
    : runtimeLines({ ...invocation, words }, client, status.scope, { tail, since: filter.since });
  const style = outStyle(context);
  const shown = words.length > 0 ? words : (status?.services.map((service) => service.name) ?? []);
  const width = Math.max(0, ...shown.map((name) => name.length)) + " 000000-0".length;
  try {
    for await (const line of lines) {
      if (json) printJson(context, line);
      else context.stdout.write(renderLogLine(line, width, options.flag("timestamps"), style));
    }
  } catch (error) {
    if (!context.signal.aborted) throw error;
  }
  return context.signal.aborted ? 130 : 0;
}

type Filter = {
  since?: number;
  until?: number;
  text?: string;
  level?: (typeof levels)[number];
  release?: string;
  request?: string;
  stream?: (typeof streams)[number][];
};

function filterOf({ context, options }: Invocation): Filter {
  const since = parseSince(options.text("since"), context.now());
  const until = parseSince(options.text("until"), context.now());
  const level = options.text("level");
  const stream = options.text("stream")?.split(",");
  const [text, release, request] = ["grep", "release", "request"].map((name) => options.text(name));
  const wrong = stream?.find((name) => !streams.some((known) => known === name));
  if (wrong !== undefined) throw usageError(`--stream ${wrong} is none of ${streams.join(", ")}`);
  const known = levels.find((name) => name === level);
  if (level !== undefined && !known) throw usageError(`--level ${level} is none of ${levels.join(", ")}`);
  return {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(text === undefined ? {} : { text }),
    ...(known === undefined ? {} : { level: known }),
    ...(release === undefined ? {} : { release }),
    ...(request === undefined ? {} : { request }),
    ...(stream === undefined ? {} : { stream: streams.filter((name) => stream.includes(name)) }),
  };
}

/** More than what the runtime itself can show. */
function hasFilter({ since, ...filter }: Filter): boolean {
  return Object.keys(filter).length > 0;
}

/** False when nothing of it is kept: a control plane without a log store, or a stack that has just begun. */
async function keepsLines(
  client: ApiClient,
  { since, ...query }: Filter & { scope?: string[]; service?: string[] },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await client.logs.search({ query: { ...query, limit: 1 }, signal })).lines.length > 0;
  } catch (error) {
    if (hasCode(error, "API_NOT_FOUND")) return false;
    throw error;
  }
}

async function* keptLines(
  client: ApiClient,
  query: Filter & { scope?: string[]; service?: string[] },
  { tail, follow, signal }: { tail: number | undefined; follow: boolean; signal: AbortSignal },
): AsyncGenerator<Shown> {
  if (follow) {
    yield* client.logs.follow({ query: { ...query, tail: Math.min(tail ?? 5000, 5000) }, signal });
    return;
  }
  if (tail === 0) return;
  if (tail !== undefined && tail <= 5000) {
    let left = tail;
    let lines: Shown[] = [];
    // A rare text: a page may be short and not the last.
    for (let cursor: string | undefined; left > 0; ) {
      const page = await client.logs.search({
        query: { ...query, limit: left, ...(cursor === undefined ? {} : { cursor }) },
        signal,
      });
      lines = [...page.lines, ...lines];
      left -= page.lines.length;
      cursor = page.next;
      if (cursor === undefined) break;
    }
    yield* lines;
    return;
  }
  // From the very first line on.
  for (let after: string | undefined = "0-0-"; after !== undefined; ) {
    const page: Awaited<ReturnType<ApiClient["logs"]["search"]>> = await client.logs.search({
      query: { ...query, limit: pageLines, after },
      signal,
    });
    yield* page.lines;
    after = page.next;
  }
}

/** What the runtime itself still has. */
function runtimeLines(
  { options, words, context }: Invocation,
  client: ApiClient,
  scope: Scope,
  { tail, since }: { tail: number | undefined; since: number | undefined },
): AsyncIterable<Shown> {
  return client.operate.logs({
    params: paramsOf(scope),
    query: {
      follow: options.flag("follow"),
      ...(words.length === 0 ? {} : { services: [...words] }),
      ...(tail === undefined ? {} : { tail }),
      ...(since === undefined ? {} : { since }),
    },
    signal: context.signal,
  });
}

async function errorsAgainst(
  { context, options, words, json }: Invocation,
  client: ApiClient,
  scope: Scope | undefined,
  against: string,
): Promise<ExitCode> {
  if (!scope) throw usageError("--errors-against compares releases of one stack", "Leave out --all.");
  const { signal } = context;
  const release = options.text("release") ?? (await currentRelease(client, scope, signal));
  const service = words.length === 0 ? {} : { service: [...words] };
  const found = await client.logs.errors({
    query: { ...paramsOf(scope), release, against, ...service },
    signal,
  });
  if (json) printJson(context, found);
  else context.stdout.write(renderErrors(found, outStyle(context)));
  return 0;
}

async function currentRelease(client: ApiClient, scope: Scope, signal: AbortSignal): Promise<string> {
  const { current } = await client.stacks.status({ params: paramsOf(scope), signal });
  if (current) return current.id;
  throw usageError(`${scope.stack} has no release that is current`, "Name one with --release.");
}

/** `undefined` means everything that was kept. */
export function parseTail(text: string | undefined): number | undefined {
  if (text === "all") return undefined;
  const lines = Number(text ?? 100);
  if (!Number.isInteger(lines) || lines < 0) throw usageError(`--tail ${text} is not a number of lines`);
  return lines;
}

/** Epoch milliseconds of a duration ago or an ISO time. */
export function parseSince(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds !== undefined) return Math.max(0, Math.round(now - seconds * 1000));
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw usageError(`--since ${text} is neither a duration nor a time`, "Write 10m or 2026-01-31T12:00");
  return at;
}
