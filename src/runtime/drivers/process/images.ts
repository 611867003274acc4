import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { basename, isAbsolute, join, resolve } from "node:path";
import { canonicalJson, sha256 } from "../../../lib/hash.ts";
import type { ImageDigest } from "../../../rollout/ids.ts";
import { findPostgres, findRedis } from "../../../servers/server-programs.ts";
import type { ComposeBuild } from "../../../stack/compose-model.ts";
import { imageFamily } from "../../../stack/image-family.ts";
import { copyContext, hashContext, listContext } from "../../build-context/snapshot.ts";
import { runtimeError } from "../../errors.ts";
import type { ImageRequest } from "../../port.ts";
import { buildSnapshot } from "./build-snapshot.ts";
import { type Recipe, readDockerfile } from "./dockerfile.ts";
import { emptyRecipe, type ImageStore, type StoredImage } from "./image-store.ts";
import { Serial } from "./serial.ts";
import { type WellKnown, wellKnown } from "./well-known.ts";

/** Rises when the same context must give another image, e.g. because build steps changed. */
const recipeVersion = 1;

/** Resolves what a service asks for to something that a process can be started from. */
export class Images {
  readonly #store: ImageStore;
  readonly #serial = new Serial();

  constructor(store: ImageStore) {
    this.#store = store;
  }

  async ensure(
    request: ImageRequest,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<StoredImage> {
    const known = request.digest === undefined ? undefined : await this.#store.find(request.digest);
    if (known) return known;
    const { build, image } = request.compose;
    const made = build
      ? await this.#build(request, build, onLine, signal)
      : await this.#resolve(image ?? "", signal);
    if (request.digest === undefined || request.digest === made.digest) return made;
    throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `image ${request.digest} is no longer on this host`, {
      hint: "Its source has changed since: deploy again instead of going back to that release.",
    });
  }

  async #build(
    request: ImageRequest,
    build: ComposeBuild,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<StoredImage> {
    const { recipe, text, dockerfile } = await readRecipe(build);
    const reference = request.compose.image ?? `${request.scope.stack}-${request.service}`;
    const entries = await listContext(build.context, dockerfile, signal);
    const contents = await hashContext(build.context, entries, signal);
    const { target, args } = build;
    const key = { contents, text, target, args, recipeVersion, platform: [process.platform, process.arch] };
    const digest = `sha256:${sha256(canonicalJson(key))}` as ImageDigest;
    return this.#serial.run(digest, async () => {
      const known = await this.#store.find(digest);
      if (known) return { ...known, reference };
      const building = this.#store.newBuilding();
      const image: StoredImage = {
        digest,
        reference,
        description: `${reference} (snapshot of ${basename(build.context)})`,
        exposedPorts: recipe.exposedPorts,
        kind: "snapshot",
        recipe,
        notes: recipe.notes,
      };
      try {
        await copyContext(build.context, entries, join(building, "root"), signal);
        for (const note of recipe.notes) onLine(`note: ${note}`);
        await buildSnapshot(join(building, "root"), recipe, buildArguments(build), { onLine, signal });
        await this.#store.commit(image, building);
      } finally {
        await rm(building, { recursive: true, force: true });
      }
      return image;
    });
  }

  async #resolve(reference: string, signal: AbortSignal): Promise<StoredImage> {
    const known = wellKnown(reference);
    if (!known)
      throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `image ${reference} needs a container engine`, {
        hint: "Give the service a `build`, or use --runtime docker.",
      });
    const server = await describeServer(known, signal);
    const digest = `sha256:${sha256(canonicalJson({ reference, server }))}` as ImageDigest;
    const image: StoredImage = {
      digest,
      reference,
      description: `${server.name} ${server.version}, local server for ${reference}`,
      exposedPorts: server.ports,
      kind: known.kind,
      recipe: emptyRecipe,
      ...(server.bin === undefined ? {} : { bin: server.bin, program: server.name }),
      notes: [],
    };
    return this.#serial.run(digest, async () => {
      if (!(await this.#store.find(digest))) {
        const building = this.#store.newBuilding();
        await mkdir(building, { recursive: true });
        await this.#store.commit(image, building);
      }
      return image;
    });
  }
}

type Server = { name: string; version: string; ports: readonly number[]; bin?: string };

async function describeServer(known: WellKnown, signal: AbortSignal): Promise<Server> {
  if (known.kind === "node") return { name: "Node", version: process.versions.node, ports: [] };
  if (known.kind === "postgres") {
    const { bin, version } = await findPostgres(known.major, signal);
    return { name: "postgres", version, bin, ports: [5432] };
  }
  const { bin, version, path } = await findRedis(known.program, signal);
  return { name: basename(path), version, bin, ports: [6379] };
}

function buildArguments(build: ComposeBuild): Record<string, string> {
  return Object.fromEntries(
    Object.entries(build.args ?? {}).map(([name, value]) => [name, value ?? process.env[name] ?? ""]),
  );
}

async function readRecipe(
  build: ComposeBuild,
): Promise<{ recipe: Recipe; text: string; dockerfile: string }> {
  if (!isAbsolute(build.context) || !existsSync(build.context))
    throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `build context ${build.context} is not a folder here`, {
      hint: "Check `build.context`; contexts from a URL need --runtime docker.",
    });
  const dockerfile = build.dockerfile ?? "Dockerfile";
  const path = resolve(build.context, dockerfile);
  const text =
    build.dockerfile_inline ??
    (await readFile(path, "utf8").catch((cause) => {
      throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `cannot read ${dockerfile} of ${build.context}`, {
        hint: "Check `build.dockerfile`.",
        cause,
      });
    }));
  const recipe = readDockerfile(text, build.target, buildArguments(build));
  if (!recipe)
    throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `${dockerfile} has no stage ${build.target ?? ""}`, {
      hint: "Check `build.target`.",
    });
  // A server's image brings a program and its settings; one of that name on this machine is another one.
  if (imageFamily(recipe.base)?.port !== undefined)
    throw runtimeError("RUNTIME_UNSUPPORTED", `an image built from ${recipe.base} needs a container engine`, {
      hint: "Give the Dockerfile a stage that a plain Node.js can run and name it in `build.target`, or use --runtime docker.",
    });
  return { recipe, text, dockerfile };
}
