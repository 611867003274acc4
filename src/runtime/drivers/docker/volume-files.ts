import { access, constants } from "node:fs/promises";
import type { Scope } from "../../../rollout/ids.ts";
import type { ComposeVolume } from "../../../stack/compose-model.ts";
import { runtimeError } from "../../errors.ts";
import { archiveFolder, fillFolder } from "../../folder-tar.ts";
import type { FileTree, VolumeFiles } from "../../port.ts";
import { refusedWith } from "./client.ts";
import type { VolumeInspect } from "./engine-types.ts";
import type { DockerHost } from "./host.ts";
import { label, scopeLabels } from "./labels.ts";
import { defined } from "./limits.ts";
import { engineName } from "./mounts.ts";
import { named } from "./resource-errors.ts";

/**
 * Reads and writes volumes where they lie on this host: the engine's own archive breaks off when a file shrinks while
 * it is read, tar does not.
 */
export class DockerVolumeFiles implements VolumeFiles {
  readonly #host: DockerHost;

  constructor(host: DockerHost) {
    this.#host = host;
  }

  async *archive(
    scope: Scope,
    tree: FileTree,
    options: { exclude: readonly string[] },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const folder = "hostPath" in tree ? tree.hostPath : await this.folder(scope, tree.volume, signal);
    yield* archiveFolder(folder, options, signal);
  }

  async fill(
    scope: Scope,
    volume: ComposeVolume,
    tar: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const name = engineName(scope, volume);
    if ((await this.#inspect(name, signal)) === undefined) await this.#create(scope, volume, signal);
    await fillFolder(await this.folder(scope, volume, signal), tar, signal);
  }

  async exists(scope: Scope, volume: ComposeVolume, signal: AbortSignal): Promise<boolean> {
    return (await this.#inspect(engineName(scope, volume), signal)) !== undefined;
  }

  async remove(scope: Scope, volume: ComposeVolume, signal: AbortSignal): Promise<void> {
    const name = engineName(scope, volume);
    const found = await this.#inspect(name, signal);
    if (found === undefined) return;
    if (volume.external || found.Labels?.[label.managedBy] !== this.#host.owner)
      throw runtimeError("RUNTIME_RESOURCE_FAILED", `the volume ${name} is not ours to remove`);
    const path = `/volumes/${encodeURIComponent(name)}`;
    await named(`cannot remove volume ${name}`, () =>
      this.#host.client.send({ method: "DELETE", path, signal }),
    );
  }

  async folder(scope: Scope, volume: ComposeVolume, signal: AbortSignal): Promise<string> {
    const name = engineName(scope, volume);
    const found = await this.#inspect(name, signal);
    if (found === undefined)
      throw runtimeError("RUNTIME_RESOURCE_FAILED", `the volume ${name} does not exist`);
    const folder = placeOf(found);
    try {
      await access(folder, constants.R_OK | constants.X_OK);
    } catch (cause) {
      throw runtimeError("RUNTIME_UNSUPPORTED", `${folder} of the volume ${name} cannot be read`, {
        cause,
        hint: "Run Roadstead as root, on the host of the engine.",
      });
    }
    return folder;
  }

  async #create(scope: Scope, volume: ComposeVolume, signal: AbortSignal): Promise<void> {
    const name = engineName(scope, volume);
    const body = {
      Name: name,
      ...defined({ Driver: volume.driver, DriverOpts: volume.driver_opts }),
      Labels: { ...volume.labels, ...scopeLabels(this.#host.owner, scope) },
    };
    await named(`cannot create volume ${name}`, () =>
      this.#host.client.send({ method: "POST", path: "/volumes/create", body, signal }),
    );
  }

  async #inspect(name: string, signal: AbortSignal): Promise<VolumeInspect | undefined> {
    try {
      const path = `/volumes/${encodeURIComponent(name)}`;
      return await this.#host.client.json<VolumeInspect>({ method: "GET", path, signal });
    } catch (error) {
      if (refusedWith(error, 404)) return undefined;
      throw error;
    }
  }
}

/** A volume with mount options is an empty folder while nothing uses it: its copy would look whole and hold nothing. */
function placeOf({ Name, Driver, Mountpoint, Options }: VolumeInspect): string {
  const { type, device, o } = Options ?? {};
  const mounted = type !== undefined || device !== undefined;
  if (Driver === "local" && !mounted) return Mountpoint;
  if (Driver === "local" && device?.startsWith("/") && (o ?? "").split(",").includes("bind")) return device;
  throw runtimeError(
    "RUNTIME_UNSUPPORTED",
    `the volume ${Name} lies outside of this host (${type ?? Driver})`,
    {
      hint: "Back it up where it lies.",
    },
  );
}
