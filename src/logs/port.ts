import type { Scope } from "../rollout/ids.ts";

/**
 * What services printed and what the edge served, kept after the replicas are gone. Lines come in already masked: a
 * store never sees a secret. A driver keeps and finds; what is worth keeping is decided by its callers.
 */
export interface LogStore {
  /**
   * Takes the lines of one stack and environment together with how far their sources have been read: both become
   * durable at once, within a second, or neither does. Never throws for a full disk: see `LogStoreOptions.onProblem`.
   */
  append(batch: LogBatch): void;

  /** The newest positions that came with lines of this scope; what `append` was given last wins. */
  positions(scope: Scope): Readonly<Record<string, string>>;

  /** One page, oldest line first. Sees every line that was appended before the call. */
  search(query: LogSearch, signal: AbortSignal): Promise<LogPage>;

  /**
   * The last `tail` matching lines, then new ones as they come, each exactly once, until the signal. A reader that
   * is slower than the lines gets a line of stream `platform` that says how many were left out.
   */
  follow(filter: LogFilter, options: { tail: number }, signal: AbortSignal): AsyncIterable<StoredLine>;

  usage(): LogUsage;

  /** What is to be on disk within the second is there when this returns. */
  flush(): void;

  /** Removes whole partitions until the bounds hold. Called by the driver itself now and then. */
  prune(): Promise<void>;

  close(): Promise<void>;
}

/** From worst to least. */
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof logLevels)[number];

export const logStreams = ["stdout", "stderr", "access", "platform"] as const;
export type LogStream = (typeof logStreams)[number];

/** One line, without its line end. */
export type LogLine = {
  /** Epoch ms. */
  at: number;
  service: string;
  /** The release that created the replica. Empty where there is none. */
  release: string;
  replica: string;
  stream: LogStream;
  level?: LogLevel;
  requestId?: string;
  text: string;
};

/** `id` orders lines: by time, then in the order in which they came. It is also where a page begins or ends. */
export type StoredLine = LogLine & { scope: Scope; id: string };

export type LogBatch = {
  scope: Scope;
  lines: readonly LogLine[];
  /** Source -> how far it was read with these lines. The empty text forgets a source. */
  positions?: Readonly<Record<string, string>>;
};

/** What all of it must hold for a line; what is absent does not count. */
export type LogFilter = {
  scopes?: readonly Scope[];
  services?: readonly string[];
  release?: string;
  replica?: string;
  streams?: readonly LogStream[];
  /** This bad or worse. Lines without a level are left out. */
  level?: LogLevel;
  /** Anywhere in the line. Upper and lower case are the same unless the text has an upper case letter. */
  text?: string;
  /** In its field or anywhere in the text. */
  requestId?: string;
  /** Epoch ms, inclusive. */
  since?: number;
  /** Epoch ms, exclusive. */
  until?: number;
};

export type LogSearch = LogFilter & {
  /** 1 to 5000. */
  limit: number;
  /** Lines before this place, the newest of them; absent both: from the newest line backwards. */
  before?: string;
  /** Lines behind this place, the oldest of them. */
  after?: string;
};

export type LogPage = {
  lines: readonly StoredLine[];
  /**
   * Where to go on in the same direction; absent at the end. A page may be short, even empty, and still not be the
   * last: one call reads only so much.
   */
  next?: string;
};

export type LogUsage = {
  bytes: number;
  scopes: readonly { scope: Scope; bytes: number; oldestAt?: number }[];
};

export type LogBounds = {
  /** Partitions whose last line is older go. */
  maxAgeMs: number;
  maxBytesPerScope: number;
  maxBytes: number;
};

export const defaultBounds: LogBounds = {
  maxAgeMs: 30 * 24 * 3600 * 1000,
  maxBytesPerScope: 1024 ** 3,
  maxBytes: 5 * 1024 ** 3,
};

export const searchLimit = 5000;
