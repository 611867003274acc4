import { constants } from "node:fs";
import { access, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { firstClosedFolder, reachableFolder, unprivilegedUser } from "../../../servers/server-user.ts";
import { runtimeError } from "../../errors.ts";
import { keptVolumeName, type ReplicaSpec } from "../../port.ts";
import type { StoredImage } from "./image-store.ts";
import { type Launch, type LaunchPlace, prepareLaunch } from "./launch.ts";
import type { Layout } from "./layout.ts";
import { preparePostgres } from "./postgres.ts";
import { realPaths } from "./real-paths.ts";
import { redisCommand } from "./redis.ts";
import type { RunAs } from "./run-child.ts";
import { volumeFolder } from "./volume-folder.ts";

export type ServerContext = { place: LaunchPlace; layout: Layout; signal: AbortSignal };

/** Database servers never run as root: PostgreSQL refuses to, and Redis's image steps down as well. */
export async function serverUser(image: StoredImage, layout: Layout): Promise<RunAs | undefined> {
  if ((image.kind !== "postgres" && image.kind !== "redis") || process.getuid?.() !== 0) return undefined;
  const found = await unprivilegedUser(image.kind);
  if (!found)
    throw runtimeError("RUNTIME_START_FAILED", `there is no unprivileged user to run ${image.kind} as`, {
      hint: `Create one: useradd --system ${image.kind}`,
    });
  const { name, ...runAs } = found;
  const closed = await firstClosedFolder(layout.volumes, runAs);
  if (closed === undefined) return runAs;
  throw runtimeError(
    "RUNTIME_START_FAILED",
    `${image.kind} runs as user ${name}, who cannot enter ${closed}`,
    {
      hint: `Move Roadstead's home to a folder that everybody may pass through, e.g. /var/lib/roadstead, or: chmod o+x ${closed}`,
    },
  );
}

/** How a well-known server is started: its own set-up done, its address and port as the replica's. */
export async function prepareServer(
  spec: ReplicaSpec,
  image: StoredImage,
  context: ServerContext,
): Promise<Launch> {
  const bin = await reachablePrograms(image, context);
  const usable = { ...image, bin };
  const launch = await prepareLaunch(spec, usable, context.place, spec.compose.command ?? []);
  if (image.kind === "postgres") return preparePostgres(spec, { launch, bin, ...context });
  const folder = dataFolder(spec, launch, context.place);
  await ownFolder(folder, context.place);
  const { host, port } = context.place;
  return redisCommand(launch, { program: join(bin, image.program ?? "redis-server"), folder, host, port });
}

/** Where the images of well-known servers keep their data. */
const dataPaths = { postgres: "/var/lib/postgresql/data", redis: "/data" };

/** The folder that stands for the image's data path: its volume, the one kept for the service, or the replica's own. */
export function dataFolder(
  spec: ReplicaSpec,
  launch: Launch,
  place: LaunchPlace,
  kind: "postgres" | "redis" = "redis",
): string {
  const real = realPaths(dataPaths[kind], launch.mappings);
  if (real !== dataPaths[kind]) return real;
  return spec.keepsData ? join(place.volumes, keptFolder(spec, kind)) : join(place.folder, "data");
}

/** Name of the volume that outlives the replica although the file names none. */
export function keptFolder(spec: ReplicaSpec, kind: "postgres" | "redis"): string {
  return volumeFolder(spec.scope, { name: keptVolumeName(spec, dataPaths[kind]) });
}

export async function ownFolder(folder: string, { runAs }: LaunchPlace): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (runAs) await chown(folder, runAs.uid, runAs.gid);
}

/** A checkout under /root is closed to the server's user: its programs are then copied to where he can run them. */
async function reachablePrograms(image: StoredImage, { place, layout }: ServerContext): Promise<string> {
  const bin = image.bin ?? "";
  await access(bin, constants.R_OK).catch((cause) => {
    const hint = "Deploy again: the image is then resolved anew.";
    throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `the programs of ${image.description} are gone`, {
      hint,
      cause,
    });
  });
  if (!place.runAs) return bin;
  return await reachableFolder(
    bin,
    join(layout.tools, image.digest.replace("sha256:", "").slice(0, 16)),
    place.runAs,
  );
}
