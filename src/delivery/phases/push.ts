import type { Published, PublishRequest } from "../../publish/publisher.ts";
import { pushTargets } from "../../publish/push-targets.ts";
import type { Phase } from "../phase.ts";
import type { BuiltImage } from "../run.ts";

/** What a run needs of the publisher. */
export type Publish = (
  request: PublishRequest,
  say: (line: string) => void,
  signal: AbortSignal,
) => Promise<Published | undefined>;

/** Puts what was built into the registries that the stack file names, once the scan has let it pass. */
export function pushPhase(publish: Publish): Phase {
  return {
    name: "push",
    async run({ parts, run, book, say, gathered, signal, update }) {
      if (run.checksOnly) return { kind: "skipped", detail: "checks only" };
      if (run.target !== undefined) return { kind: "skipped", detail: "a preview stays on this host" };
      const { model } = await gathered();
      const built = book.get(run.id)?.images ?? {};
      const targets = model ? pushTargets(model, run.scope.environment) : [];
      const wanted = targets.filter(({ service }) => built[service] !== undefined);
      if (wanted.length === 0) return { kind: "skipped", detail: "no registry is named" };
      const images: Record<string, BuiltImage> = { ...built };
      for (const { service, ...names } of wanted) {
        const image = built[service];
        if (image === undefined) continue;
        const { scope, ref, commit, requestedBy: by, reason } = run;
        const request = { scope, service, image, ...names, build: { ref, commit }, by, reason };
        const pushed = await publish(request, (line) => say(line, service), signal);
        if (pushed === undefined)
          return { kind: "skipped", detail: `images of the ${parts.runtime.name} runtime can't be pushed` };
        const { repository, digest, versions, aliases } = pushed;
        images[service] = { ...image, pushed: { repository, digest, tags: [...versions, ...aliases] } };
        update({ images });
      }
      return {
        kind: "done",
        detail: `${wanted.length} ${wanted.length === 1 ? "image" : "images"}: ${wanted.map(({ service }) => `${service} ${images[service]?.pushed?.tags[0] ?? ""}`).join(", ")}`,
      };
    },
  };
}
