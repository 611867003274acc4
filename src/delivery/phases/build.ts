import { type BuiltService, buildImages } from "../../publish/build-images.ts";
import type { Phase } from "../phase.ts";

/** Builds what has a `build` section before anything of the deployment begins, so that gates can look at the images. */
export const buildPhase: Phase = {
  name: "build",
  async run({ parts, run, say, gathered, signal, update }) {
    if (run.checksOnly) return { kind: "skipped", detail: "checks only" };
    const { stack, files } = await gathered();
    const services = stack.services.filter(
      (service) => service.compose.build !== undefined && (run.services?.includes(service.name) ?? true),
    );
    if (services.length === 0) return { kind: "skipped", detail: "no service is built here" };
    const order = { scope: run.scope, services, files, noCache: run.noCache ?? false };
    const built = Object.entries(await buildImages(parts, order, say, signal));
    update({
      images: Object.fromEntries(
        built.map(([name, { image }]) => [name, { digest: image.digest, reference: image.reference }]),
      ),
    });
    return { kind: "done", detail: describe(built.map(([, one]) => one)) };
  },
};

function describe(built: readonly BuiltService[]): string {
  const distinct = new Set(built.map(({ image }) => image.digest)).size;
  const steps = built.flatMap(({ report }) => report.steps);
  const cached = steps.filter((step) => step.cached).length;
  const from = steps.length === 0 ? "" : `, ${cached} of ${steps.length} steps from the cache`;
  return `${distinct} ${distinct === 1 ? "image" : "images"} for ${built.length} services${from}`;
}
