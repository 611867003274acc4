/**
 * The HTTP entry of one host. The control plane describes the whole configuration as data; the driver makes it so
 * without dropping a request, and confirms. The edge is a process of its own that keeps serving its last
 * configuration while the control plane is dead. A driver translates and decides nothing.
 */
export interface Edge {
  readonly name: string;

  /**
   * Makes this the running configuration, atomically and without closing connections that did not change, and
   * resolves only once every worker serves it. Weights, targets and holds change at run time; a hitless reload is
   * allowed only for listeners, routes and certificates. A lower version than the running one is refused.
   */
  apply(config: EdgeConfig, version: number, signal: AbortSignal): Promise<void>;

  /** Configuration in force and counters since the edge first saw each target. */
  observe(signal: AbortSignal): Promise<EdgeObserved>;

  /**
   * Waits until the target has no request in flight and no upgraded connection; at the deadline closes what is left:
   * WebSockets with close frame 1001 where the driver speaks it, else the TCP connection. The target must already
   * be out of every backend (or at weight 0).
   */
  drain(target: TargetId, deadlineSeconds: number, signal: AbortSignal): Promise<DrainOutcome>;

  /**
   * Tells of requests as they end, from now on, a second late at most, until the signal. Absent where the edge keeps no
   * list of them. Paths come without their query: it may carry tokens.
   */
  requests?(onRequest: (request: ServedRequest) => void, signal: AbortSignal): void;

  /** Releases handles of this process; the edge goes on. */
  close(): Promise<void>;
}

/** One request that has ended. */
export type ServedRequest = {
  /** Epoch ms at which it ended. */
  at: number;
  method: string;
  host: string;
  path: string;
  /** 0: the client went away before an answer. */
  status: number;
  ms: number;
  /** Id of the backend; empty where the edge answered by itself. */
  backend: string;
  /** Empty where no target was reached. */
  target: TargetId;
  requestId: string;
};

export type TargetId = string;

export type EdgeConfig = {
  http?: Listener;
  https?: Listener;
  routes: readonly EdgeRoute[];
  backends: readonly Backend[];
  internal: readonly InternalListener[];
  certificates: readonly Certificate[];
  /** Peers whose X-Forwarded-* headers are believed, as CIDR. Others' are overwritten. */
  trustedProxies: readonly string[];
};

export type Listener = { host: string; port: number };

/** Order is irrelevant: an exact host beats a wildcard (`*.example.com`), beats `*`; then the longest path wins. */
export type EdgeRoute = {
  id: string;
  /** Lower case, no port; `*.` prefix or `*` alone allowed. */
  host: string;
  /** Starts with `/`; matches whole segments: `/api` matches `/api` and `/api/x`, not `/apiary`. */
  path: string;
  stripPath: boolean;
  action:
    | { kind: "proxy"; backend: string }
    | { kind: "files"; root: string; spa: boolean }
    | { kind: "redirect"; to: string; status: 301 | 302 | 307 | 308 }
    /** Answered by the edge, e.g. a stopped service's 503. */
    | { kind: "answer"; status: number; title: string; detail: string };
  /** Plain HTTP answers 308 to HTTPS, and HTTPS answers carry HSTS. */
  requireTls: boolean;
  compress: boolean;
  /** 413 beyond it. Absent: no limit. */
  bodyLimitBytes?: number;
  /** Per client address; 429 with Retry-After beyond it. */
  rateLimit?: { requestsPerSecond: number; burst: number };
};

export type Backend = {
  id: string;
  targets: readonly Target[];
  /** A cookie keeps a client on its target while that target has weight or is draining. */
  sticky: boolean;
  /** New requests wait in the edge (bounded) until it is lifted; after `holdSeconds` they get 503 with Retry-After. */
  hold: boolean;
  holdSeconds: number;
  /** Response header wait; 504 beyond it. @default 60 by the caller */
  responseTimeoutSeconds: number;
  /** For error pages, counters and logs. */
  label: { stack: string; environment: string; service: string };
};

/** Share of new requests = weight / sum of weights. Weight 0: only sticky clients already on it and open connections. */
export type Target = { id: TargetId; host: string; port: number; weight: number };

/** A service's stable internal address: peers call it by name, replicas come and go behind it. */
export type InternalListener = {
  host: string;
  port: number;
  protocol: "http" | "tcp";
  backend: string;
  allow: readonly string[];
};

export type Certificate = {
  /** Names it covers; wildcard allowed. */
  hosts: readonly string[];
  /** PEM, leaf first. */
  certificate: string;
  /** PEM. A secret: never logged. */
  key: string;
};

export type EdgeObserved = {
  version: number;
  backends: readonly { id: string; hold: boolean; targets: readonly { id: TargetId; weight: number }[] }[];
  counters: readonly TargetCounters[];
};

/** Monotonic since the edge first saw the target. A restart of the edge may set them back to 0: take deltas with that in mind. */
export type TargetCounters = {
  target: TargetId;
  backend: string;
  requests: number;
  status2xx: number;
  status3xx: number;
  status4xx: number;
  status5xx: number;
  /** No answer: connect refused, reset, timeout. Each is also answered as 502/504 but counted here, not in status5xx. */
  failures: number;
  inFlight: number;
  /** Open upgraded (WebSocket) connections. */
  upgraded: number;
  /** Response time; bucket index -> count, see lib/histogram.ts. Mergeable by addition. */
  latency: Readonly<Record<number, number>>;
};

export type DrainOutcome = { drained: boolean; closedConnections: number };
