import { existsSync } from "node:fs";
import { chown, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ComposeMount } from "../../../stack/compose-model.ts";
import { runtimeError } from "../../errors.ts";
import type { ReplicaSpec } from "../../port.ts";
import { programPath } from "./build-snapshot.ts";
import type { StoredImage } from "./image-store.ts";
import { type AddressBook, pointAtAddresses } from "./point-at-addresses.ts";
import { type PathMapping, realPaths } from "./real-paths.ts";
import type { RunAs } from "./run-child.ts";
import { volumeFolder } from "./volume-folder.ts";

/** Everything a program is started with. */
export type Launch = {
  argv: readonly string[];
  cwd: string;
  env: Record<string, string>;
  mappings: readonly PathMapping[];
  stopSignal: NodeJS.Signals;
  runAs?: RunAs;
};

export type LaunchPlace = {
  /** Folder of this replica alone. */
  folder: string;
  /** Folder of the named volumes. */
  volumes: string;
  /** Root of the image's snapshot. */
  root: string;
  host: string;
  port: number;
  runAs?: RunAs;
};

/** Prepares folders and files, and says how the service's program is started. */
export async function prepareLaunch(
  spec: ReplicaSpec,
  image: StoredImage,
  place: LaunchPlace,
  argv: readonly string[] | undefined,
): Promise<Launch> {
  const mappings = [
    ...(await mountVolumes(spec, place)),
    ...(await writeFiles(spec, place)),
    ...(image.kind === "snapshot" ? [{ target: image.recipe.root, source: place.root }] : []),
  ];
  const book: AddressBook = new Map(
    spec.addresses.flatMap(({ service, aliases, host }) =>
      [service, ...(aliases ?? [])].map((name) => [name, host] as const),
    ),
  );
  const command = argv ?? commandOf(spec, image);
  return {
    argv: command.map((word) => pointAtAddresses("", realPaths(word, mappings), book)),
    cwd: await workingFolder(spec, image, place, mappings),
    env: environmentOf(spec, image, { place, mappings, book }),
    mappings,
    stopSignal: (spec.compose.stop_signal ?? image.recipe.stopSignal ?? "SIGTERM") as NodeJS.Signals,
    ...(place.runAs === undefined ? {} : { runAs: place.runAs }),
  };
}

/** As Docker combines them: an overridden entrypoint drops the image's command. */
export function commandOf(spec: ReplicaSpec, image: StoredImage): readonly string[] {
  const { compose } = spec;
  const entrypoint = compose.entrypoint ?? image.recipe.entrypoint;
  const command = compose.command ?? (compose.entrypoint ? [] : image.recipe.command);
  const whole = [...entrypoint, ...command];
  if (whole.length > 0) return whole;
  throw runtimeError("RUNTIME_START_FAILED", `service ${spec.service} has no command to run`, {
    hint: "Give the service a `command`, or its Dockerfile a CMD.",
  });
}

function environmentOf(
  spec: ReplicaSpec,
  image: StoredImage,
  { place, mappings, book }: { place: LaunchPlace; mappings: readonly PathMapping[]; book: AddressBook },
): Record<string, string> {
  const own = Object.entries({ ...image.recipe.environment, ...spec.environment }).map(
    ([name, value]) => [name, pointAtAddresses(name, realPaths(value, mappings), book)] as const,
  );
  const environment: Record<string, string> = {
    LANG: "C.UTF-8",
    HOME: place.folder,
    ...Object.fromEntries(own),
  };
  // A job listens nowhere and has no port of its own: it sees the variable as the stack wrote it.
  if (place.port > 0) environment["PORT"] = String(place.port);
  // The image's own PATH names folders that are not there.
  const path = spec.environment["PATH"] === undefined ? "" : `${environment["PATH"]}:`;
  environment["PATH"] = `${path}${image.bin === undefined ? "" : `${image.bin}:`}${programPath()}`;
  if (isBindAddress(environment["HOST"])) environment["HOST"] = place.host;
  if (isBindAddress(environment["HOSTNAME"])) environment["HOSTNAME"] = place.host;
  return environment;
}

/** Next.js and others take HOSTNAME, most take HOST, for the address they listen on; other values mean something else. */
function isBindAddress(value: string | undefined): boolean {
  return value === undefined || /^(0\.0\.0\.0|::|\[::\]|localhost|127\.\d+\.\d+\.\d+)$/.test(value);
}

async function workingFolder(
  spec: ReplicaSpec,
  image: StoredImage,
  place: LaunchPlace,
  mappings: readonly PathMapping[],
): Promise<string> {
  const wanted = spec.compose.working_dir ?? image.recipe.workingDir;
  const real = realPaths(wanted, mappings);
  if (real !== wanted && existsSync(real)) return real;
  if (image.kind === "snapshot") return place.root;
  const folder = join(place.folder, "work");
  await mkdir(folder, { recursive: true });
  return folder;
}

async function mountVolumes(spec: ReplicaSpec, place: LaunchPlace): Promise<PathMapping[]> {
  const mappings: PathMapping[] = [];
  for (const [index, mount] of (spec.compose.volumes ?? []).entries()) {
    const source = sourceOf(mount, index, spec, place);
    if (source === undefined) continue;
    if (!existsSync(source)) {
      await mkdir(source, { recursive: true });
      if (place.runAs && mount.type !== "bind") await chown(source, place.runAs.uid, place.runAs.gid);
    }
    mappings.push({ target: mount.target, source });
  }
  for (const [index, target] of (spec.compose.tmpfs ?? []).entries()) {
    const source = join(place.folder, `tmpfs-${index}`);
    await mkdir(source, { recursive: true });
    mappings.push({ target: target.split(":")[0] ?? target, source });
  }
  return mappings;
}

function sourceOf(mount: ComposeMount, index: number, spec: ReplicaSpec, place: LaunchPlace) {
  switch (mount.type) {
    case "bind":
      return mount.source;
    case "volume": {
      const subpath = mount.volume?.subpath ?? "";
      if (mount.source === undefined) return join(place.folder, `volume-${index}`);
      return join(
        place.volumes,
        volumeFolder(spec.scope, spec.volumes[mount.source] ?? { name: mount.source }),
        subpath,
      );
    }
    case "tmpfs":
      return join(place.folder, `tmpfs-mount-${index}`);
    case "cluster":
    case "npipe":
    case "image":
      return undefined;
  }
}

/** Secrets and configs lie in the replica's own folder, readable for its user alone. */
async function writeFiles(spec: ReplicaSpec, place: LaunchPlace): Promise<PathMapping[]> {
  const mappings: PathMapping[] = [];
  for (const [index, file] of spec.files.entries()) {
    const folder = join(place.folder, "files", String(index));
    const source = join(folder, basename(file.target));
    await mkdir(folder, { recursive: true, mode: 0o711 });
    // A restart writes the same content again; what a crash left is not writable.
    await rm(`${source}.new`, { force: true });
    await writeFile(`${source}.new`, file.content, { mode: 0o400 });
    if (place.runAs) await chown(`${source}.new`, place.runAs.uid, place.runAs.gid);
    await rename(`${source}.new`, source);
    mappings.push({ target: file.target, source });
  }
  return mappings;
}
