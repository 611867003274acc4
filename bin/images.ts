import type { DockerLogin } from "../src/lib/docker-login.ts";
import { readDockerLogin } from "../src/lib/docker-login.ts";
import { messageOf } from "../src/lib/platform-error.ts";
import { Builder } from "../src/publish/builder.ts";
import { Publisher } from "../src/publish/publisher.ts";
import { RegistryKeeper } from "../src/publish/registry-keeper.ts";
import type { EngineParts } from "../src/reconciler/parts.ts";
import { ownLogin, ownRegistryFolder } from "../src/registry/own-login.ts";
import type { ImageStore } from "../src/registry/port.ts";
import type { Scope } from "../src/rollout/ids.ts";
import { parseListener } from "./listener.ts";
import { loadBundle } from "./resolve-bundle.ts";

/** What pushes images, and the registry that this installation runs, if it does. */
export type ImageWorks = {
  publisher: Publisher;
  keeper: RegistryKeeper;
  builder: Builder;
  load: typeof loadBundle;
  start: (signal: AbortSignal) => Promise<void>;
  stop: () => Promise<void>;
};

/** What `docker login` stored for the user of the control plane, and the password of our own registry. */
export function loginsOf(
  home: string,
): (host: string, signal: AbortSignal) => Promise<DockerLogin | undefined> {
  return async (host, signal) =>
    (await ownLogin(home, host)) ?? (await readDockerLogin(host, process.env["DOCKER_CONFIG"], signal));
}

/** `own` is where our own registry is to listen; none: there is none. */
export async function makeImageWorks(
  home: string,
  own: string | undefined,
  { store, runtime, clock, log, registry, mask: masked }: EngineParts & { registry: ImageStore },
): Promise<ImageWorks> {
  const server = own === undefined ? undefined : await makeServer(home, own, { clock, log });
  const publisher = new Publisher({ store, runtime, registry, clock });
  const keeper = new RegistryKeeper({
    store,
    registry,
    clock,
    log,
    ...(server
      ? {
          own: {
            host: server.host,
            collectGarbage: (signal) => publisher.alone(() => server.collectGarbage(signal)),
          },
        }
      : {}),
  });
  const mask = (scope: Scope, line: string) => masked?.(scope, line) ?? line;
  const builder = new Builder({ runtime, clock, publisher, mask });
  return {
    publisher,
    keeper,
    builder,
    load: loadBundle,
    start: async (signal) => {
      // What serves goes on without it: builds that are to go there say that nobody answers.
      await server?.start(signal).catch((error: unknown) => log("error", messageOf(error)));
      keeper.start();
    },
    stop: async () => {
      await Promise.all([keeper.stop(), server?.close()]);
    },
  };
}

async function makeServer(home: string, own: string, { clock, log }: Pick<EngineParts, "clock" | "log">) {
  const { DistributionServer } = await import("../src/registry/drivers/distribution.ts");
  return new DistributionServer({ folder: ownRegistryFolder(home), address: parseListener(own), log, clock });
}
