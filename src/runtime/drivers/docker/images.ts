import { parseDuration } from "../../../lib/duration.ts";
import type { ImageDigest } from "../../../rollout/ids.ts";
import { canonicalRepository, parseReference } from "../../../stack/image-reference.ts";
import { runtimeError } from "../../errors.ts";
import type { ImageRequest, ReplicaSpec, ResolvedImage } from "../../port.ts";
import { buildImage } from "./build.ts";
import { buildKey } from "./build-key.ts";
import { EngineRefusal, refusedWith } from "./client.ts";
import type { ImageInspect } from "./engine-types.ts";
import { LineReader } from "./frames.ts";
import type { DockerHost } from "./host.ts";
import { privateTag } from "./private-tag.ts";
import { registryAuth } from "./registry-auth.ts";

/** A pull with no progress at all for this long is given up. */
const pullIdleMs = 5 * 60_000;

/** Makes the image present, pins it with a private tag, and says what it is. */
export async function ensureImage(
  host: DockerHost,
  request: ImageRequest,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const reference = request.compose.image ?? `${request.scope.stack}-${request.service}`;
  const image =
    request.digest === undefined
      ? await obtain(host, { request, reference }, onLine, signal)
      : await obtainExact(host, { request, reference, digest: request.digest }, onLine, signal);
  const digest = request.digest ?? digestOf(image, reference, request.compose.build !== undefined);
  await pin(host, image.Id, privateTag(request.scope.stack, request.service, digest), signal);
  return {
    digest,
    reference,
    description: `${reference} (${digest.slice(0, 19)})`,
    exposedPorts: exposedTcpPorts(image),
  };
}

/** The engine's id of a resolved image on this host and the volumes that it declares; raises when it is gone. */
export async function localImage(
  host: DockerHost,
  spec: ReplicaSpec,
  signal: AbortSignal,
): Promise<{ id: string; volumes: string[] }> {
  const { digest, reference } = spec.image;
  const own = privateTag(spec.scope.stack, spec.service, digest);
  const found = await findExact(host, { digest, reference, fallback: `${own.repo}:${own.tag}` }, signal);
  if (found !== undefined) return { id: found.Id, volumes: Object.keys(found.Config?.Volumes ?? {}) };
  throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `the image ${reference} (${digest}) is not on this host`, {
    hint: "It was removed since the release was prepared: deploy again.",
  });
}

type Wanted = { request: ImageRequest; reference: string };

async function obtain(
  host: DockerHost,
  { request, reference }: Wanted,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<ImageInspect> {
  const { compose } = request;
  const policy = compose.pull_policy ?? (compose.build === undefined ? "missing" : "build");
  if (policy === "build") {
    if (compose.build === undefined)
      throw unavailable(reference, "`pull_policy: build` needs a `build` section");
    return await built(host, request, onLine, signal);
  }
  const present = await inspectImage(host, reference, signal);
  if (policy === "never") {
    if (present !== undefined) return present;
    throw unavailable(reference, "it is not on this host and `pull_policy` is `never`");
  }
  if (present !== undefined && !(await isDue(host, policy, present))) return present;
  if (present === undefined && compose.build !== undefined) return await built(host, request, onLine, signal);
  await pull(host, { reference, platform: compose.platform }, onLine, signal);
  const pulled = await inspectImage(host, reference, signal);
  if (pulled === undefined) throw unavailable(reference, "the engine pulled it but does not list it");
  return pulled;
}

async function built(
  host: DockerHost,
  request: ImageRequest,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<ImageInspect> {
  const make = () => buildImage(host, request, onLine, signal);
  const idOf = async (name: string) => (await inspectImage(host, name, signal))?.Id;
  const { no_cache: anew, ...build } = request.compose.build ?? { context: "." };
  const key = await buildKey({ ...request, compose: { ...request.compose, build } }, idOf, signal);
  const isThere = async (id: string) => (await idOf(id)) !== undefined;
  const remembered = (known: string) =>
    anew ? host.builds.renew(known, make) : host.builds.build(known, make, isThere);
  const id = key === undefined ? await make() : await remembered(key);
  for (const tag of tagsOf(request)) await pin(host, id, tag, signal);
  const image = await inspectImage(host, id, signal);
  if (image === undefined) {
    throw runtimeError(
      "RUNTIME_BUILD_FAILED",
      `the image built for ${request.service} is not in the engine`,
      {
        hint: "Use a buildx builder that loads its result into the engine (the default one does).",
      },
    );
  }
  return image;
}

/** The names that the file gives to the result; another service's build of the same may have been used for it. */
function tagsOf({ compose }: ImageRequest): { repo: string; tag: string }[] {
  const names = [...(compose.image ? [compose.image] : []), ...(compose.build?.tags ?? [])];
  return names.map((name) => {
    const { repository, tag } = parseReference(name);
    return { repo: repository, tag: tag ?? "latest" };
  });
}

/** Whether `pull_policy` asks for a pull although the image is there. */
async function isDue(host: DockerHost, policy: string, present: ImageInspect): Promise<boolean> {
  switch (policy) {
    case "missing":
    case "if_not_present":
      return false;
    case "always":
      return true;
  }
  const days = { daily: 1, weekly: 7 }[policy];
  const seconds = days === undefined ? parseDuration(policy.replace(/^every_/, "")) : days * 86_400;
  if (seconds === undefined) {
    throw runtimeError("RUNTIME_UNSUPPORTED", `pull_policy ${policy} is not known`, {
      hint: "Write `missing`, `always`, `never`, `build`, `daily`, `weekly` or `every_<duration>`.",
    });
  }
  const tagged = Date.parse(present.Metadata?.LastTagTime ?? "");
  return Number.isNaN(tagged) || host.clock.now() - tagged > seconds * 1000;
}

async function obtainExact(
  host: DockerHost,
  wanted: Wanted & { digest: ImageDigest },
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<ImageInspect> {
  const { request, reference, digest } = wanted;
  const own = privateTag(request.scope.stack, request.service, digest);
  const present = await findExact(host, { digest, reference, fallback: `${own.repo}:${own.tag}` }, signal);
  if (present !== undefined) return present;
  if (request.compose.image === undefined || request.compose.pull_policy === "never") {
    throw unavailable(`${reference}@${digest}`, "it was built or loaded here and has been removed since");
  }
  const exact = `${parseReference(reference).repository}@${digest}`;
  await pull(host, { reference: exact, platform: request.compose.platform }, onLine, signal);
  const pulled = await inspectImage(host, exact, signal);
  if (pulled === undefined) throw unavailable(exact, "the engine pulled it but does not list it");
  return pulled;
}

/** By its digest, by name and digest, or by a name of ours. */
export async function findExact(
  host: DockerHost,
  wanted: { digest: string; reference: string; fallback: string },
  signal: AbortSignal,
): Promise<ImageInspect | undefined> {
  const { repository } = parseReference(wanted.reference);
  return (
    (await inspectImage(host, wanted.digest, signal)) ??
    (await inspectImage(host, `${repository}@${wanted.digest}`, signal)) ??
    (await inspectImage(host, wanted.fallback, signal))
  );
}

async function inspectImage(
  host: DockerHost,
  name: string,
  signal: AbortSignal,
): Promise<ImageInspect | undefined> {
  try {
    return await host.client.json({ method: "GET", path: `/images/${encodePath(name)}/json`, signal });
  } catch (error) {
    // 400: a text that cannot be an image name, such as a repository in capitals.
    if (refusedWith(error, 404, 400)) return undefined;
    throw error;
  }
}

function encodePath(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** The registry's digest where the image came from one (it can be pulled again by it), otherwise the engine's id. */
function digestOf(image: ImageInspect, reference: string, isBuilt: boolean): ImageDigest {
  if (!isBuilt) {
    const wanted = canonicalRepository(parseReference(reference).repository);
    for (const entry of image.RepoDigests ?? []) {
      const { repository, digest } = parseReference(entry);
      if (digest !== undefined && canonicalRepository(repository) === wanted) return digest as ImageDigest;
    }
  }
  return image.Id as ImageDigest;
}

function exposedTcpPorts(image: ImageInspect): number[] {
  return Object.keys(image.Config?.ExposedPorts ?? {})
    .filter((port) => !port.endsWith("/udp") && !port.endsWith("/sctp"))
    .map((port) => Number.parseInt(port, 10))
    .sort((a, b) => a - b);
}

/** Gives an image one more name. */
export async function pin(
  host: DockerHost,
  id: string,
  tag: { repo: string; tag: string },
  signal: AbortSignal,
): Promise<void> {
  await host.client.send({ method: "POST", path: `/images/${encodePath(id)}/tag`, query: tag, signal });
}

type PullLine = { id?: string; status?: string; error?: string; errorDetail?: { message?: string } };

async function pull(
  host: DockerHost,
  { reference, platform }: { reference: string; platform: string | undefined },
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { repository, tag, digest } = parseReference(reference);
  const auth = await registryAuth(repository, host.loginOf, signal);
  const idle = new AbortController();
  const limited = AbortSignal.any([signal, idle.signal]);
  let timer = setTimeout(() => idle.abort(), pullIdleMs);
  let failure: string | undefined;
  const seen = new Set<string>();
  const lines = new LineReader((_stream, text) => {
    if (text.trim() === "") return;
    const line = JSON.parse(text) as PullLine;
    failure ??= line.errorDetail?.message ?? line.error;
    const shown = line.id === undefined ? (line.status ?? "") : `${line.id}: ${line.status ?? ""}`;
    if (line.status === undefined || seen.has(shown)) return;
    seen.add(shown);
    onLine(shown);
  });
  try {
    const answer = await host.client.stream({
      method: "POST",
      dedicated: true,
      path: "/images/create",
      query: { fromImage: repository, tag: digest ?? tag ?? "latest", platform },
      ...(auth === undefined ? {} : { headers: { "x-registry-auth": auth } }),
      signal: limited,
      timeoutMs: pullIdleMs,
    });
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), pullIdleMs);
      lines.push("stdout", chunk);
    }
    lines.flush();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (idle.signal.aborted) failure = "no progress for 5 minutes";
    else if (error instanceof EngineRefusal) failure = error.message;
    else throw error;
  } finally {
    clearTimeout(timer);
  }
  if (failure !== undefined) throw unavailable(reference, failure);
}

function unavailable(reference: string, why: string): Error {
  const denied = /denied|unauthorized|authentication/i.test(why);
  return runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `the image ${reference} is not available: ${why}`, {
    hint: denied
      ? "If the image is private, run `docker login` for its registry as the user of the control plane."
      : "Check the name, and that this host can reach the image's registry.",
  });
}
