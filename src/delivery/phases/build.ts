import { availableParallelism } from "node:os";
import { mapLimited } from "../../lib/limit.ts";
import { noteBuilt } from "../../reconciler/image-book.ts";
import type { ResolvedImage } from "../../runtime/port.ts";
import type { ComposeService } from "../../stack/compose-model.ts";
import type { Phase } from "../phase.ts";
import type { BuiltImage } from "../run.ts";

/** Images made side by side on a host that also serves: one with two cores or less. */
const buildWidth = availableParallelism() <= 2 ? 1 : 2;

/** Builds what has a `build` section before anything of the deployment begins, so that gates can look at the images. */
export const buildPhase: Phase = {
  name: "build",
  async run({ parts, run, say, gathered, signal, update }) {
    if (run.checksOnly) return { kind: "skipped", detail: "checks only" };
    const { stack, files } = await gathered();
    const built = stack.services.filter(
      (service) => service.compose.build !== undefined && (run.services?.includes(service.name) ?? true),
    );
    if (built.length === 0) return { kind: "skipped", detail: "no service is built here" };
    const images: Record<string, ResolvedImage> = {};
    await mapLimited(built, buildWidth, async (service) => {
      const compose = run.noCache ? withoutCache(service.compose) : service.compose;
      const request = { scope: run.scope, service: service.name, compose };
      const names = (service.compose.build?.secrets ?? []).map((grant) => grant.source);
      const buildSecrets = Object.fromEntries(
        names.flatMap((name) => (files[name] === undefined ? [] : [[name, files[name]]])),
      );
      const onLine = (line: string) => say(line, service.name);
      const image = await parts.runtime.ensureImage({ ...request, buildSecrets }, onLine, signal);
      noteBuilt(parts.store, { digest: image.digest, compose, at: parts.clock.now() });
      images[service.name] = image;
    });
    update({
      images: Object.fromEntries(Object.entries(images).map(([name, image]) => [name, builtImage(image)])),
    });
    const distinct = new Set(Object.values(images).map((image) => image.digest)).size;
    return {
      kind: "done",
      detail: `${distinct} ${distinct === 1 ? "image" : "images"} for ${built.length} services`,
    };
  },
};

function withoutCache(compose: ComposeService): ComposeService {
  return compose.build === undefined ? compose : { ...compose, build: { ...compose.build, no_cache: true } };
}

function builtImage({ digest, reference }: ResolvedImage): BuiltImage {
  return { digest, reference };
}
