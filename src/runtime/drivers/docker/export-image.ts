import { runtimeError } from "../../errors.ts";
import { refusedWith } from "./client.ts";
import type { DockerHost } from "./host.ts";

/** The engine packs the archive before its first byte. */
const packingMs = 120_000;

/** The image as `docker save` writes it, as a stream that nothing of is kept. */
export async function exportImage(
  host: DockerHost,
  { digest, reference }: { digest: string; reference: string },
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  // An image that was built here has its id as its digest; one from a registry is found by name and digest.
  for (const name of [digest, `${reference.replace(/@.*$|:[^/:]*$/, "")}@${digest}`]) {
    try {
      const path = `/images/${name.split("/").map(encodeURIComponent).join("/")}/get`;
      return await host.client.stream({ method: "GET", path, dedicated: true, timeoutMs: packingMs, signal });
    } catch (error) {
      if (!refusedWith(error, 400, 404)) throw error;
    }
  }
  throw runtimeError("RUNTIME_IMAGE_UNAVAILABLE", `the image ${reference} (${digest}) is not on this host`);
}
