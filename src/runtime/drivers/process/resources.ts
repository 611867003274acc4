import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Scope, scopeKey } from "../../../rollout/ids.ts";
import { runtimeError } from "../../errors.ts";
import type { ScopeResources, ServiceAddress } from "../../port.ts";
import type { Layout } from "./layout.ts";
import { Registry } from "./registry.ts";
import { chooseAddress } from "./service-address.ts";
import { volumeFolder } from "./volume-folder.ts";

/** Volumes are folders, networks are nothing, and each service has a loopback address that it keeps. */
export class Resources {
  readonly #layout: Layout;
  readonly #addresses: Registry;
  readonly #volumes: Registry;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#addresses = new Registry(layout.addressRegistry);
    this.#volumes = new Registry(layout.volumeRegistry);
  }

  async ensure(resources: ScopeResources): Promise<ServiceAddress[]> {
    const owner = scopeKey(resources.scope);
    for (const volume of Object.values(resources.volumes)) {
      const { external } = volume;
      const name = volumeFolder(resources.scope, volume);
      if (name.includes("/") || name.startsWith("."))
        throw runtimeError("RUNTIME_RESOURCE_FAILED", `"${name}" cannot be the name of a volume`, {
          hint: "Use letters, digits, dots, dashes and underscores.",
        });
      const folder = join(this.#layout.volumes, name);
      if (external && !existsSync(folder))
        throw runtimeError("RUNTIME_RESOURCE_FAILED", `external volume ${name} does not exist`, {
          hint: `Create the folder ${folder}, or remove \`external\` from the volume.`,
        });
      if (external) continue;
      await mkdir(folder, { recursive: true, mode: 0o755 });
      await this.#volumes.change((volumes) => void (volumes.has(name) || volumes.set(name, owner)));
    }
    await this.#addresses.change((addresses) => {
      for (const { service } of resources.services) {
        const key = `${owner}/${service}`;
        // Two control planes on one machine share the loopback interface: their homes keep their addresses apart.
        const seed = `${this.#layout.home} ${key}`;
        if (!addresses.has(key)) addresses.set(key, chooseAddress(seed, new Set(addresses.values())));
      }
    });
    const addresses = await this.#addresses.entries();
    return resources.services.map(({ service, aliases }) => {
      const names = [...new Set(Object.values(aliases ?? {}).flat())];
      return {
        service,
        host: addresses.get(`${owner}/${service}`) ?? "",
        ...(names.length === 0 ? {} : { aliases: names }),
        allow: ["127.0.0.0/8"],
      };
    });
  }

  /** A volume that nobody named, but whose data the next replica of the service goes on with. */
  async keep(scope: Scope, name: string): Promise<void> {
    await mkdir(join(this.#layout.volumes, name), { recursive: true, mode: 0o755 });
    await this.#volumes.change((volumes) => void (volumes.has(name) || volumes.set(name, scopeKey(scope))));
  }

  async forget(name: string): Promise<void> {
    await this.#volumes.change((volumes) => void volumes.delete(name));
  }

  async remove(scope: Scope, options: { volumes: boolean }): Promise<void> {
    const owner = scopeKey(scope);
    await this.#addresses.change((addresses) => {
      for (const key of [...addresses.keys()]) if (key.startsWith(`${owner}/`)) addresses.delete(key);
    });
    if (!options.volumes) return;
    const all = await this.#volumes.entries();
    const owned = [...all].filter(([, of]) => of === owner).map(([name]) => name);
    for (const name of owned) await rm(join(this.#layout.volumes, name), { recursive: true, force: true });
    await this.#volumes.change((volumes) => {
      for (const name of owned) volumes.delete(name);
    });
  }
}
