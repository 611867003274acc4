/** The API over a whole control plane on memory drivers, with a clock turned by hand and one valid token. */

import { Access } from "../access/access.ts";
import { makeAlerting } from "../alerting/make-alerting.ts";
import { MemoryRepository } from "../backup/drivers/memory.ts";
import { DeliveryWorld } from "../delivery/delivery-support.ts";
import { DirectGates } from "../delivery/direct-gates.ts";
import { Previews } from "../delivery/previews.ts";
import { makeVariables } from "../delivery/variables.ts";
import { Webhooks } from "../delivery/webhooks.ts";
import { allForges } from "../forge/forge-support.ts";
import type { ForgeKind } from "../forge/port.ts";
import { MemoryNotifier } from "../notify/drivers/memory.ts";
import { defaultEscalation } from "../policy/alert-escalation.ts";
import { Builder } from "../publish/builder.ts";
import { Publisher } from "../publish/publisher.ts";
import { RegistryKeeper } from "../publish/registry-keeper.ts";
import { aStackService, requestFor, World } from "../reconciler/world-support.ts";
import { makeRecovery } from "../recovery/works.ts";
import { MemoryRegistry } from "../registry/drivers/memory.ts";
import type { DeploymentId, Scope } from "../rollout/ids.ts";
import { makeUpdates } from "../scheduler/updates.ts";
import { MemoryOwnSecrets, MemorySecrets } from "../secrets/drivers/memory.ts";
import type { ComposeModel } from "../stack/compose-model.ts";
import { type LoadedStack, loadStack } from "../stack/load-stack.ts";
import type { Problem } from "../stack/problem.ts";
import type { Service, Stack } from "../stack/stack.ts";
import { createMemoryTelemetry } from "../telemetry/drivers/memory.ts";
import { RepositoryBook } from "../vault/repository-book.ts";
import { VolumeBuilder } from "../vault/restore-builder.ts";
import { Restorer } from "../vault/restorer.ts";
import { Vault } from "../vault/vault.ts";
import { VolumeKeeper } from "../vault/volume-keeper.ts";
import { OpenMetrics } from "../watch/open-metrics.ts";
import { SlowQueryBook } from "../watch/slow-queries.ts";
import { createToken } from "./auth/token.ts";
import type { ApiParts } from "./parts.ts";
import { type ApiServer, createServer } from "./server.ts";

export const base = "/api/v1/stacks/shop/production";

export type Answer = { status: number; headers: Record<string, unknown>; text: string; json: unknown };

export class ApiWorld {
  readonly world = new World();
  readonly token: string;
  readonly server: ApiServer;
  /** What the loader finds from now on. */
  problems: Problem[] = [];
  readonly secrets = new MemorySecrets("vault");
  readonly registry = new MemoryRegistry();
  readonly parts: ApiParts;
  readonly deliveries = new DeliveryWorld(this.world);

  constructor(changes: Partial<ApiParts> = {}) {
    const parts = this.world.parts();
    this.token = createToken("ada", parts).secret;
    this.parts = {
      ...parts,
      engine: this.world.engine,
      access: new Access({ ...parts, passwordCost: { memory: 64, passes: 1, parallelism: 1 } }),
      sources: this.deliveries.sources,
      delivery: this.deliveries.delivery,
      ...this.#hooks(),
      gates: new DirectGates({ ...parts, load: () => this.#file() }),
      updates: makeUpdates({ ...parts, engine: this.world.engine, registry: this.registry }),
      variables: makeVariables({
        ...parts,
        secrets: { own: new MemoryOwnSecrets(), providers: () => [this.secrets] },
        load: (bundle, environment) =>
          bundle.composeFiles.includes("/project/stack.json")
            ? { ...parts.resolve(bundle, environment), variablesUsed: {} }
            : loadStack({
                ...bundle,
                environment: bundle.variables,
                environmentName: environment,
                readText: (path) => bundle.texts[path],
              }),
      }),
      resolve: (bundle, environment) => {
        const { stack } = parts.resolve(bundle, environment);
        return {
          ...(stack === undefined || this.problems.length > 0 ? {} : { stack }),
          problems: this.problems,
        };
      },
      images: this.#images(),
      telemetry: createMemoryTelemetry(),
      openMetrics: new OpenMetrics(),
      slowQueries: new SlowQueryBook(),
      ...this.#backups(parts),
      alerts: makeAlerting({
        ...parts,
        telemetry: { range: () => [] },
        notifiers: { memory: new MemoryNotifier() },
        settingsOf: () => undefined,
        mask: (_scope, text) => text,
      }),
      recovery: makeRecovery({
        ...parts,
        engine: this.world.engine,
        stackOf: () => undefined,
        mask: (_scope, text) => text,
        people: {
          notify: () => undefined,
          page: () => undefined,
          onCall: () => ({ contacts: [], table: defaultEscalation }),
          active: () => [],
          acknowledge: () => undefined,
        },
        holder: "test",
        evidenceFolder: "/nowhere",
      }),
      version: "0.0.0-test",
      edgeName: "memory",
      ...changes,
    };
    this.server = createServer(this.parts);
  }

  readonly backupRepository = new MemoryRepository();

  #backups(parts: ReturnType<World["parts"]>): Pick<ApiParts, "backups" | "restores"> {
    const { store, clock, runtime } = parts;
    const repositories = new RepositoryBook(store, () => this.backupRepository);
    const volume = new VolumeKeeper({ runtime, store, clock });
    const told = { notify: () => undefined, mask: (_scope: Scope, text: string) => text };
    const vault = new Vault({ ...parts, ...told, repositories, keepers: { bind: volume } });
    const { engine } = this.world;
    const restore = { ...parts, ...told, engine, repositories, vault };
    const builders = { volume: new VolumeBuilder(parts) };
    const restorer = new Restorer({ ...restore, builders });
    return { backups: { vault, repositories }, restores: { restorer } };
  }

  /** The `x-roadstead` of every stack file from now on. */
  fileSettings: unknown;

  #file(): LoadedStack {
    const empty = { services: {}, networks: {}, volumes: {}, secrets: {}, configs: {} };
    const model = { name: "shop", ...empty, "x-roadstead": this.fileSettings };
    return { problems: [], variablesUsed: {}, ...(this.fileSettings ? { model } : {}) };
  }

  #images(): ApiParts["images"] {
    const parts = { ...this.world.parts(), registry: this.registry };
    const publisher = new Publisher(parts);
    const own = { host: "127.0.0.1:5500", collectGarbage: async () => undefined };
    return {
      publisher,
      keeper: new RegistryKeeper({ ...parts, own }),
      builder: new Builder({ ...parts, publisher, mask: (_scope, line) => line }),
      load: (bundle, environment) => {
        const { stack } = parts.resolve(bundle, environment);
        return stack ? { stack, model: modelOf(stack) } : {};
      },
    };
  }

  /** What a pushed image is handed to; a test puts its own in place. */
  updateNow: (scope: Scope, services: readonly string[]) => readonly string[] = () => [];

  #hooks(): Pick<ApiParts, "webhooks" | "previews"> {
    const { store, clock, log } = this.world.parts();
    const { delivery, sources } = this.deliveries;
    const common = {
      store,
      clock,
      log,
      delivery,
      sources,
      forges: async (kind: ForgeKind) => allForges[kind],
      engine: this.world.engine,
    };
    const previews = new Previews(common);
    return {
      previews,
      webhooks: new Webhooks({
        ...common,
        previews,
        updateNow: (scope, services) => this.updateNow(scope, services),
      }),
    };
  }

  /** One request without a socket. A body that is text is sent as it is. */
  async call(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; anonymous?: boolean } = {},
  ): Promise<Answer> {
    const { body } = options;
    const response = await this.server.app.inject({
      method: method as "GET",
      url: path,
      headers: {
        host: "127.0.0.1:7700",
        ...(options.anonymous ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    let json: unknown;
    try {
      json = JSON.parse(response.body);
    } catch {
      json = undefined;
    }
    return { status: response.statusCode, headers: response.headers, text: response.body, json };
  }

  /** Deploys through the API and turns the clock until it is over. Answers the deployment's id. */
  async deploy(services: readonly Service[] = [aStackService("web")], label = ""): Promise<string> {
    const answer = await this.call("POST", `${base}/deployments`, { body: deployBody(services, { label }) });
    if (answer.status !== 202) throw new Error(answer.text);
    const { deployment } = answer.json as { deployment: { id: DeploymentId } };
    await this.world.finished(deployment);
    return deployment.id;
  }
}

/** As the loader makes it of a file. */
function modelOf({ name, services }: Stack): ComposeModel {
  const written = Object.fromEntries(services.map((service) => [service.name, service.compose]));
  const registry = { registry: "127.0.0.1:5500" };
  return {
    name,
    services: written,
    networks: {},
    volumes: {},
    secrets: {},
    configs: {},
    "x-roadstead": registry,
  };
}

export function deployBody(
  services: readonly Service[] = [aStackService("web")],
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return { bundle: requestFor(services).bundle, ...more };
}

export function aProblem(changes: Partial<Problem> = {}): Problem {
  return {
    severity: "error",
    code: "UNKNOWN_KEY",
    message: "prots is unknown",
    path: "services.web.prots",
    file: "/srv/shop/compose.yaml",
    line: 3,
    column: 5,
    fix: "ports",
    ...changes,
  };
}
