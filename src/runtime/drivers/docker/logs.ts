import type { LogLine, LogQuery } from "../../port.ts";
import { Channel } from "./channel.ts";
import { EngineRefusal } from "./client.ts";
import type { ContainerInspect } from "./engine-types.ts";
import { FrameReader, LineReader, type StreamName } from "./frames.ts";
import type { DockerHost } from "./host.ts";
import { identityOf, label, scopeFilter } from "./labels.ts";

/** A line with the engine's time stamp: RFC 3339 with nine digits, so that text order is time order. */
type Stamped = { stamp: string; line: LogLine };
type Span = { tail?: number; since?: string; follow: boolean };

const bufferedLines = 1000;
/** How soon a replica that was started while following is followed too, should its event be missed. */
const lookAgainMs = 2_000;

/**
 * Lines of all matching replicas in the order of time; then, when following, new ones as they come, also from replicas
 * started later. Ends quietly with the signal.
 */
export async function* readLogs(
  host: DockerHost,
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const cursors = new Map<string, string>();
  try {
    const containers = await matching(host, query, signal);
    if (query.follow && query.untilEnd) {
      const span = { follow: true, ...(query.since === undefined ? {} : { since: sinceText(query.since) }) };
      for (const container of containers)
        for await (const { line } of containerLines(host, container, span, signal)) yield line;
      return;
    }
    yield* query.tail === undefined
      ? history(host, containers, { query, cursors }, signal)
      : lastLines(history(host, containers, { query, cursors }, signal), query.tail);
    if (query.follow) yield* following(host, query, cursors, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function matching(host: DockerHost, query: LogQuery, signal: AbortSignal): Promise<ContainerInspect[]> {
  const all = await host.replicas(query.scope, signal);
  return all.filter((container) => {
    const identity = identityOf(container.Name, container.Config.Labels);
    if (identity === undefined) return false;
    if (query.replica !== undefined && identity.id !== query.replica) return false;
    return query.services === undefined || query.services.includes(identity.service);
  });
}

async function* history(
  host: DockerHost,
  containers: readonly ContainerInspect[],
  { query, cursors }: { query: LogQuery; cursors: Map<string, string> },
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const span: Span = {
    follow: false,
    ...(query.tail === undefined ? {} : { tail: query.tail }),
    ...(query.since === undefined ? {} : { since: sinceText(query.since) }),
  };
  const sources = containers.map((container) => containerLines(host, container, span, signal));
  for await (const [index, { stamp, line }] of mergeByTime(sources)) {
    const id = containers[index]?.Id;
    if (id !== undefined) cursors.set(id, stamp);
    yield line;
  }
}

async function* lastLines(lines: AsyncIterable<LogLine>, count: number): AsyncGenerator<LogLine> {
  const last: LogLine[] = [];
  for await (const line of lines) {
    last.push(line);
    if (last.length > count) last.shift();
  }
  yield* last;
}

/** Each source is in order by itself; gives the earliest of their heads, with its source's index. */
export async function* mergeByTime<T extends { stamp: string }>(
  sources: readonly AsyncGenerator<T>[],
): AsyncGenerator<[number, T]> {
  const heads = await Promise.all(sources.map((source) => source.next()));
  for (;;) {
    let first: number | undefined;
    for (const [index, head] of heads.entries()) {
      if (head.done) continue;
      const best = first === undefined ? undefined : heads[first];
      if (best === undefined || best.done || head.value.stamp < best.value.stamp) first = index;
    }
    const head = first === undefined ? undefined : heads[first];
    const source = first === undefined ? undefined : sources[first];
    if (first === undefined || head === undefined || head.done || source === undefined) return;
    yield [first, head.value];
    heads[first] = await source.next();
  }
}

async function* following(
  host: DockerHost,
  query: LogQuery,
  cursors: Map<string, string>,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const channel = new Channel<LogLine>(bufferedLines);
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const close = () => channel.close();
  stop.addEventListener("abort", close, { once: true });
  let failure: unknown;
  const fail = (error: unknown) => {
    if (stop.aborted) return;
    failure = error;
    channel.close();
  };
  followAll(host, query, { cursors, push: (line) => channel.push(line) }, stop).catch(fail);
  try {
    yield* channel.values();
    if (failure !== undefined) throw failure;
  } finally {
    stop.removeEventListener("abort", close);
    ended.abort();
    channel.close();
  }
}

type Follow = { cursors: Map<string, string>; push: (line: LogLine) => Promise<void> };

/** Keeps one stream open per running replica, and looks for new ones at every start event. */
async function followAll(
  host: DockerHost,
  query: LogQuery,
  follow: Follow,
  signal: AbortSignal,
): Promise<void> {
  const open = new Set<string>();
  let firstLook = true;
  while (!signal.aborted) {
    const started = nextStart(host, query, signal);
    for (const container of await matching(host, query, signal)) {
      if (open.has(container.Id) || container.State.Status !== "running") continue;
      open.add(container.Id);
      const unseen = firstLook && query.tail !== undefined ? { tail: 0 } : {};
      void followOne(host, container, { follow, unseen }, signal).finally(() => open.delete(container.Id));
    }
    firstLook = false;
    await started;
  }
}

async function followOne(
  host: DockerHost,
  container: ContainerInspect,
  { follow, unseen }: { follow: Follow; unseen: { tail?: number } },
  signal: AbortSignal,
): Promise<void> {
  const cursor = follow.cursors.get(container.Id);
  const span: Span = { follow: true, ...(cursor === undefined ? unseen : { since: sinceText(cursor) }) };
  try {
    for await (const { stamp, line } of containerLines(host, container, span, signal)) {
      if (cursor !== undefined && stamp <= cursor) continue;
      follow.cursors.set(container.Id, stamp);
      await follow.push(line);
    }
  } catch {
    // The replica went away, or the caller did; a dead engine shows in the next look for replicas.
  }
}

/** Resolves when a container of the scope starts, or after a while. */
async function nextStart(host: DockerHost, query: LogQuery, signal: AbortSignal): Promise<void> {
  const filters = JSON.parse(scopeFilter(host.owner, query.scope)) as { label: string[] };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(lookAgainMs)]);
  try {
    const answer = await host.client.stream({
      method: "GET",
      dedicated: true,
      path: "/events",
      query: { filters: JSON.stringify({ ...filters, type: ["container"], event: ["start"] }) },
      signal: limit,
    });
    for await (const _event of answer) {
      answer.destroy();
      return;
    }
  } catch {
    // Time is up, or the engine is away: the next look says which.
    if (!limit.aborted) await host.clock.sleep(lookAgainMs, signal).catch(() => undefined);
  }
}

/** One container's lines. A log driver that cannot be read gives none; a container that is gone, too. */
async function* containerLines(
  host: DockerHost,
  container: ContainerInspect,
  span: Span,
  signal: AbortSignal,
): AsyncGenerator<Stamped> {
  const identity = identityOf(container.Name, container.Config.Labels);
  if (identity === undefined || container.Config.Labels?.[label.job] !== undefined) return;
  const ready: Stamped[] = [];
  const lines = new LineReader((stream, text) => ready.push(stampedLine(identity, stream, text)));
  const frames = new FrameReader((stream, payload) =>
    lines.push(stream, lines.isWithin(stream) ? withoutStamp(payload) : payload),
  );
  try {
    const answer = await host.client.stream({
      method: "GET",
      dedicated: true,
      path: `/containers/${container.Id}/logs`,
      query: {
        stdout: true,
        stderr: true,
        timestamps: true,
        follow: span.follow,
        tail: span.tail ?? "all",
        since: span.since,
      },
      signal,
    });
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (container.Config.Tty) lines.push("stdout", chunk);
      else frames.push(chunk);
      yield* ready.splice(0);
    }
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
  }
  lines.flush();
  yield* ready;
}

/**
 * The engine keeps a long line in pieces of 16 KiB and stamps each: a stamp within a line is not the program's, and
 * would hide a secret that is cut in two by it.
 */
function withoutStamp(payload: Buffer): Buffer {
  const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d) /.exec(
    payload.toString("latin1", 0, 40),
  );
  return stamp ? payload.subarray(stamp[0].length) : payload;
}

function stampedLine(
  identity: { id: LogLine["replica"]; service: string },
  stream: StreamName,
  text: string,
): Stamped {
  const space = text.indexOf(" ");
  const stamp = space < 0 ? text : text.slice(0, space);
  const at = Date.parse(stamp);
  return {
    stamp,
    line: {
      replica: identity.id,
      service: identity.service,
      stream,
      ...(Number.isNaN(at) ? {} : { at }),
      text: space < 0 ? "" : text.slice(space + 1),
    },
  };
}

/** The engine's spelling of a time: seconds with nine decimals. From epoch ms, or from a stamp without losing digits. */
export function sinceText(time: number | string): string {
  if (typeof time === "number") {
    return `${Math.floor(time / 1000)}.${String(time % 1000).padStart(3, "0")}000000`;
  }
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  return `${Math.floor(Date.parse(time) / 1000)}.${fraction.padEnd(9, "0").slice(0, 9)}`;
}
