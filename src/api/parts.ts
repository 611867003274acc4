import type { Access } from "../access/access.ts";
import type { AlertWorks } from "../alerting/make-alerting.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { DirectGates } from "../delivery/direct-gates.ts";
import type { Previews } from "../delivery/previews.ts";
import type { Variables } from "../delivery/variables.ts";
import type { Webhooks } from "../delivery/webhooks.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { LogStore } from "../logs/port.ts";
import type { Builder } from "../publish/builder.ts";
import type { Publisher } from "../publish/publisher.ts";
import type { RegistryKeeper } from "../publish/registry-keeper.ts";
import type { Engine } from "../reconciler/engine.ts";
import type { EngineParts } from "../reconciler/parts.ts";
import type { RecoveryWorks } from "../recovery/works.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Updates } from "../scheduler/updates.ts";
import type { Fence } from "../server-loss/fence.ts";
import type { StackRecovery } from "../server-loss/stack-recovery.ts";
import type { StateKeeper } from "../server-loss/state-keeper.ts";
import type { Sources } from "../source/port.ts";
import type { ComposeModel } from "../stack/compose-model.ts";
import type { Problem } from "../stack/problem.ts";
import type { Stack } from "../stack/stack.ts";
import type { Bundle, Store } from "../store/port.ts";
import type { Telemetry } from "../telemetry/port.ts";
import type { PointInTime } from "../vault/point-in-time.ts";
import type { RepositoryBook } from "../vault/repository-book.ts";
import type { Restorer } from "../vault/restorer.ts";
import type { Vault } from "../vault/vault.ts";
import type { OpenMetrics } from "../watch/open-metrics.ts";
import type { SlowQueryBook } from "../watch/slow-queries.ts";

/** What builds images, pushes them, and keeps our own registry. */
export type ImageParts = {
  builder: Builder;
  publisher: Publisher;
  keeper: RegistryKeeper;
  /** Compose text to the stack and the model it was made of. */
  load: (bundle: Bundle, environment: string) => { stack?: Stack; model?: ComposeModel };
};

/** What the API is made of. `bin` builds it from real drivers, tests from the memory ones. */
export type ApiParts = {
  engine: Engine;
  runtime: Runtime;
  /** Absent: no line is kept, only what the runtime has is shown. */
  logs?: LogStore;
  store: Store;
  access: Access;
  /** After the owner is set up: the code's file goes. */
  onSetUp?: () => void;
  sources: Sources;
  delivery: Delivery;
  webhooks: Webhooks;
  previews: Previews;
  /** What a deployment without a run has to pass. */
  gates: DirectGates;
  variables: Variables;
  updates: Updates;
  images: ImageParts;
  /** Absent: nothing is kept for the loss of this host. */
  serverLoss?: {
    fence: Pick<Fence, "fenced" | "refusal">;
    states: Pick<StateKeeper, "last" | "missing" | "save" | "saving">;
    recovery: Pick<StackRecovery, "get" | "retry">;
  };
  backups: { vault: Vault; repositories: RepositoryBook };
  restores: {
    restorer: Pick<Restorer, "runs" | "foresee" | "request" | "undo" | "release" | "find">;
    points?: Pick<PointInTime, "of">;
  };
  alerts: AlertWorks;
  recovery: Pick<RecoveryWorks, "recovery" | "incidents" | "drills">;
  telemetry: Pick<Telemetry, "range" | "latest">;
  openMetrics: OpenMetrics;
  slowQueries: Pick<SlowQueryBook, "list">;
  /** Encrypts the whole store under a new key; answers how many values it held. Absent where nothing is encrypted. */
  rotateKey?: () => number;
  /** One request through the real edge, as a client makes it. */
  request: EngineParts["request"];
  clock: Clock;
  ids: Ids;
  /** Compose text to stack, with all problems; the same function that the engine has. */
  resolve: (bundle: Bundle, environment: string) => { stack?: Stack; problems: readonly Problem[] };
  log: (level: "info" | "warn" | "error", message: string, detail?: Record<string, unknown>) => void;
  version: string;
  /** Name of the edge driver, shown by the health endpoint. */
  edgeName: string;
  /** Where the built dashboard is, or will be; absent: none is served. */
  webFolder?: string;
  /** Host names besides localhost and IP addresses under which browsers and clients may call. @default none */
  allowedHosts?: readonly string[];
};
