import { runtimeError } from "../../errors.ts";
import type { HeldImage, ImageCopies } from "../../port.ts";
import { exportImage } from "./export-image.ts";
import type { DockerHost } from "./host.ts";
import { findExact, pin } from "./images.ts";
import { privateTag } from "./private-tag.ts";

/** Unpacking a large layer says nothing for a while. */
const quietMs = 10 * 60_000;

/** Images as `docker save` and `docker load` know them; what is loaded goes by Roadstead's own name. */
export class DockerImageCopies implements ImageCopies {
  readonly #host: DockerHost;

  constructor(host: DockerHost) {
    this.#host = host;
  }

  async has(image: HeldImage, signal: AbortSignal): Promise<boolean> {
    return (await this.#find(image, signal)) !== undefined;
  }

  async *give(image: HeldImage, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const found = await this.#find(image, signal);
    // By the engine's own id: an archive by name and digest would carry a name that is not ours to give.
    const { reference } = image;
    const digest = found?.Id ?? image.digest;
    yield* await exportImage(this.#host, { digest, reference }, signal);
  }

  async take(image: HeldImage, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const call = { method: "POST" as const, path: "/images/load", query: { quiet: 1 } };
    const said = await this.#host.client.upload({ ...call, signal, timeoutMs: quietMs }, content);
    const id = /Loaded image(?: ID)?: (sha256:[0-9a-f]{64})/.exec(said)?.[1];
    if (id === undefined)
      throw runtimeError(
        "RUNTIME_IMAGE_UNAVAILABLE",
        `the engine did not load the copy of ${image.reference}: ${said.trim().slice(-300)}`,
      );
    await pin(this.#host, id, privateTag(image.stack, image.service, image.digest), signal);
  }

  #find({ stack, service, digest, reference }: HeldImage, signal: AbortSignal) {
    const own = privateTag(stack, service, digest);
    return findExact(this.#host, { digest, reference, fallback: `${own.repo}:${own.tag}` }, signal);
  }
}
